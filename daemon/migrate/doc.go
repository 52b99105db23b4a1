// Package migrate makes a vigil.yaml of other agents' configuration, and says of each
// key what it became, or why nothing of Vigil's stands for it.
package migrate
