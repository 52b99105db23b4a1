package report

import (
	"fmt"
	"slices"

	"vigil/internal/nearest"
)

// Kind is a report that there is.
type Kind struct {
	Name  string
	Help  string // what it lists, a phrase
	Takes string // what must be named with it, "" for nothing: "N", "NAME"

	title    string
	overview bool // is on the page of the summary
	// make returns what counts for the report and renders it.
	make func(r *Report) section
}

// Kinds returns the reports, in the order in which people read them.
func Kinds() []Kind { return slices.Clone(kinds()) }

func kinds() []Kind {
	return []Kind{
		{Name: "summary", Help: "how much of what there is: logins, users, files, keys, losses", title: "Audit summary", make: makeSummary},
		{Name: "containers", Help: "events by container", title: "Events by container", overview: true, make: makePlaces(byContainer)},
		{Name: "pods", Help: "events by pod", title: "Events by pod", overview: true, make: makePlaces(byPod)},
		{Name: "namespaces", Help: "events by Kubernetes namespace", title: "Events by namespace", make: makePlaces(byNamespace)},
		{Name: "sessions", Help: "login sessions: who, from where, how long, how much", title: "Login sessions", overview: true, make: makeSessions},
		{Name: "users", Help: "events by the user who logged in (auid)", title: "Events by login user", overview: true, make: makeCounted(byUser)},
		{Name: "executables", Help: "events by executable", title: "Events by executable", overview: true, make: makeCounted(byExecutable)},
		{Name: "commands", Help: "events by command name (comm)", title: "Events by command", make: makeCounted(byCommand)},
		{Name: "first-seen", Help: "executables that a baseline does not have, newest first", title: "Executables first seen", make: makeFirstSeen},
		{Name: "keys", Help: "events by key of the rule that they matched", title: "Events by key", overview: true, make: makeCounted(byKey)},
		{Name: "files", Help: "events by file", title: "Events by file", overview: true, make: makeCounted(byFile)},
		{Name: "syscalls", Help: "events by system call", title: "Events by system call", make: makeCounted(bySyscall)},
		{Name: "types", Help: "events by type", title: "Events by type", make: makeCounted(byType)},
		{Name: "hosts", Help: "events by remote host", title: "Events by remote host", overview: true, make: makeCounted(byHost)},
		{Name: "terminals", Help: "events by terminal", title: "Events by terminal", make: makeCounted(byTerminal)},
		{Name: "logins", Help: "logins, done and tried", title: "Logins", make: makeListed(logins)},
		{Name: "failed-logins", Help: "whose logins failed, from where, how often", title: "Failed logins", overview: true, make: makeFailedLogins},
		{Name: "authentications", Help: "authentications, done and tried", title: "Authentications", make: makeListed(authentications)},
		{Name: "privileges", Help: "privilege changes: sudo, su, setuid programs, capabilities gained", title: "Privilege changes", overview: true, make: makeListed(privileges)},
		{Name: "accounts", Help: "changes to accounts, groups and passwords", title: "Account changes", overview: true, make: makeListed(accounts)},
		{Name: "config", Help: "changes to audit's and the system's configuration", title: "Configuration changes", overview: true, make: makeListed(configuration)},
		{Name: "anomalies", Help: "anomalies, and the responses to them", title: "Anomalies", overview: true, make: makeListed(anomalies)},
		{Name: "avc", Help: "decisions of SELinux, AppArmor and Landlock", title: "Access decisions", make: makeListed(decisions)},
		{Name: "alerts", Help: "detections and their output", title: "Alerts", overview: true, make: makeListed(alerts)},
		{Name: "losses", Help: "what was lost, and when, as the ledger has it", title: "Losses and gaps", overview: true, make: makeLosses},
		{Name: "session", Takes: "N", Help: "what was done in login session N, step by step", title: "Session", make: makeStory},
		{Name: "person", Takes: "NAME", Help: "what a user did, all sessions, step by step", title: "Person", make: makeStory},
	}
}

// Find returns the report of a name, or of its singular; the error names the
// nearest.
func Find(name string) (Kind, error) {
	var names []string
	for _, k := range kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	for _, k := range kinds() {
		if k.Name == name+"s" {
			return k, nil
		}
	}
	if best, ok := nearest.Word(name, names); ok {
		return Kind{}, fmt.Errorf("unknown report %q: did you mean %q?", name, best)
	}
	return Kind{}, fmt.Errorf("unknown report %q", name)
}
