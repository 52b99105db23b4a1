// Package filter is Vigil's one language for conditions over events and for the
// lines that are made of them: that of Falco and sysdig.
//
// A condition compares fields with values and joins comparisons with and, or, not
// and parentheses:
//
//	evt.type in (execve, execveat) and proc.name = bash and not container.id = host
//
// [Parse] makes a [Condition] of the text and [Compile] a [Program] of that, once.
// A [Matcher] then evaluates the program on one event after another without
// allocating. What many programs read is taken from an event only once if they are
// compiled into one [Space]. A [Format] makes a line of an event, a [Columns] a
// JSON object or a line of CSV. Which fields there are, package field says.
//
// A field that an event does not have makes every comparison with it false, !=
// too, so that "not proc.name = x" and "proc.name != x" differ: the first is true
// for events without a process. "exists" asks whether there is a value.
//
// Conditions may come from strangers. Their size, depth, lists and regular
// expressions are bounded, and the cost of evaluating one is at most proportional
// to its size times the size of the event, but for glob, whose cost is at most
// the product of the lengths of pattern and text for each of its stars.
package filter
