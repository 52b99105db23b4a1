// Package document is a report as data, tables of typed values, and its forms: a
// table for people, JSON and CSV. Package html has the page.
//
// What a report says was chosen by strangers: names of files, users and
// containers. No form lets a byte of it move a cursor, end a line, or be taken for
// something other than text.
package document
