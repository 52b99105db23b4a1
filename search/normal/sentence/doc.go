// Package sentence tells of an event in a sentence of plain English:
//
//	2026-11-21 10:49:55 alice, as root, failed to open /etc/shadow for reading (EACCES) with /usr/bin/cat, in container
//	web (nginx:1.25) of pod shop/web-1, session 7 on pts0, logged in from 10.0.0.5 by ssh; rule shadow.
//
// It says who it was, as whom, what was done to what, what came of it, with which program, and where: container, pod,
// unit and login are said if the trail has Vigil's attribution (docs/format/attribution.md). Nothing is guessed: what
// the records do not say is left out.
//
// Whatever the records hold, the sentence is one line of bounded length in which every byte that could move a cursor,
// begin a line or turn the writing round is printed in octal.
package sentence
