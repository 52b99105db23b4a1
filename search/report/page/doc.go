// Package page makes a report a single HTML page that needs nothing but itself: no
// network, no script, charts as inline SVG, light and dark. It may be mailed,
// archived and opened in ten years.
//
// Its texts were chosen by strangers. They go through html/template after
// document.Escape, and a content security policy in the page forbids scripts,
// images and any connection, should a browser be found to see more in a text.
package page
