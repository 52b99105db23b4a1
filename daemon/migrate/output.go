package migrate

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vigil/internal/auomsconf"
)

// allOutputs makes a sink of each file in outconf.d.
func (m *migration) allOutputs(redactDir string) error {
	paths, err := filepath.Glob(filepath.Join(m.outputs, "*.conf"))
	if err != nil {
		return fmt.Errorf("find outputs: %w", err)
	}
	if len(paths) == 0 {
		m.at(m.outputs).say("has no *.conf: there are no sinks")
	}
	for _, path := range paths { // sorted
		f, err := auomsconf.Read(path)
		if err != nil {
			return err
		}
		if err := m.output(path, f, redactDir); err != nil {
			return err
		}
	}
	return nil
}

// acks takes how a program on a socket acknowledges events.
func (s *sinkKeys) acks(n notes, f *auomsconf.File) error {
	if v, ok := f.Get("enable_ack_mode"); !ok || !isTrue(v.Text) {
		return nil
	}
	s.Acks = "oms"
	if v, ok := f.Get("ack_queue_size"); ok {
		size, err := number(n, v)
		if err != nil {
			return err
		}
		s.Window = min(max(size, 1), 100_000)
	}
	if v, ok := f.Get("ack_timeout"); ok {
		millis, err := number(n, v)
		if err != nil {
			return err
		}
		s.Timeout = strconv.FormatUint(max(millis, 100), 10) + "ms" // auoms' least
	}
	return nil
}

var badInName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// output makes a sink of one.
func (m *migration) output(path string, f *auomsconf.File, redactDir string) error {
	n := m.at(path)
	name := strings.Trim(badInName.ReplaceAllString(strings.TrimSuffix(filepath.Base(path), ".conf"), "-"), "-_")
	if name == "" {
		name = "auoms"
	}
	name = name[:min(len(name), 64)]
	s := sinkKeys{Name: name}
	format, _ := f.Get("output_format")
	if format.Text == "" {
		format.Key, format.Text = "output_format", "oms"
	}
	socket, _ := f.Get("output_socket")
	made := true
	switch format.Text {
	case "syslog":
		s.Type, s.Address, s.Profile, s.Format = "syslog", "local", "auoms", "auoms"
		n.became(format, "sink "+name+": { type: syslog, address: local, profile: auoms }", "the same lines, facility user, severity info")
	case "oms":
		if made = socket.Text != ""; !made {
			n.dropped(format, "no sink: there is no output_socket, so this output never ran")
			break
		}
		s.Type, s.Path, s.Format = "unix", socket.Text, "oms"
		n.became(format, "sink "+name+": { type: unix, path: "+s.Path+", format: oms }", "the same JSON; the agents that listened there have ended, so see that something does")
		if err := s.acks(n, f); err != nil {
			return err
		}
	case "fluent":
		s.Type, s.Path, s.Format = "file", "/var/log/vigil/"+name+".jsonl", "oms"
		n.became(format, "sink "+name+": { type: file, path: "+s.Path+", format: oms }", "JSON into a file, which fluent-bit can tail: Vigil does not speak Forward; for a server choose type syslog or http")
	case "raw":
		made = false
		n.dropped(format, "no sink: raw is how auoms' own programs speak with each other")
	default:
		made = false
		n.dropped(format, fmt.Sprintf("no sink: auoms has no writer for %q, so this output never ran", format.Text))
	}
	switch {
	case socket.Key == "":
	case s.Type == "unix":
		n.became(socket, "path: "+s.Path, "")
	default:
		n.dropped(socket, "no counterpart: see output_format")
	}
	filter, err := m.filter(n, f)
	if err != nil {
		return err
	}
	s.Filter = filter
	if redactDir != "" {
		s.Redact = &redactKeys{Dir: redactDir}
	}
	if err := outputKeys(n, f); err != nil {
		return err
	}
	repeated(n, f)
	if made {
		if slices.ContainsFunc(m.out.Sinks, func(o sinkKeys) bool { return o.Name == s.Name }) {
			return fmt.Errorf("%s: another output is called %q already: rename the file", path, s.Name)
		}
		m.out.Sinks = append(m.out.Sinks, s)
	}
	return nil
}

// outputKeys says what became of the keys that neither make the sink nor its filter.
func outputKeys(n notes, f *auomsconf.File) error {
	for _, v := range f.Values {
		switch v.Key {
		case "output_format", "output_socket", "process_filters", "filter_record_types", "record_filter_inclusive_mode":
		case "enable_ack_mode", "ack_timeout", "ack_queue_size":
			acked(n, f, v)
		case "interpreted_field_names":
			if err := names(n, v); err != nil {
				return err
			}
		case "record_type_name_overrides":
			n.dropped(v, "needs none: Vigil knows the names of all record types")
		case "filter_field_names", "always_filter_field_names":
			if err := fieldNames(n, v); err != nil {
				return err
			}
		case "aggregation_rules":
			if err := aggregation(n, v); err != nil {
				return err
			}
		case "fluent_message_tag", "schema_version_field_name", "schema_version", "timestamp_field_name", "serial_field_name", "record_type_field_name",
			"record_type_name_field_name", "records_field_name", "field_suffix", "process_flags_field_name":
			n.dropped(v, "no counterpart: the names in the formats auoms and oms are auoms' defaults and do not change")
		case "record_text_field_name", "include_record_text_field":
			n.dropped(v, "no counterpart: format raw has the kernel's words, ecs all fields of all records")
		case "other_fields_mode", "other_fields_field_name", "field_filter_inclusive_mode", "field_name_overrides", "additional_fields":
			n.dropped(v, "no counterpart: which fields a format has does not change")
		default:
			n.dropped(v, "auoms does not read this key")
		}
	}
	return nil
}

// acked says what became of a key about acknowledgements.
func acked(n notes, f *auomsconf.File, v auomsconf.Value) {
	format, _ := f.Get("output_format")
	enabled, _ := f.Get("enable_ack_mode")
	became := map[string]string{"enable_ack_mode": "acks: oms", "ack_timeout": "ack_timeout", "ack_queue_size": "window"}[v.Key]
	switch {
	case format.Text != "oms" && format.Text != "":
		n.dropped(v, "needs none: a sink's cursor moves only over what the far end has taken")
	case !isTrue(enabled.Text):
		n.dropped(v, "no acknowledgements, as before")
	default:
		n.became(v, became, "")
	}
}

// decode reads the JSON of a value.
func decode(n notes, v auomsconf.Value, into any) error {
	if err := json.Unmarshal([]byte(v.Text), into); err != nil {
		return &auomsconf.Error{File: n.file, Line: v.Line, What: fmt.Sprintf("%s: %v", v.Key, err)}
	}
	return nil
}

// sample is the interpreted_field_names of auoms' example, which the format has.
func sample() map[string]string {
	return map[string]string{
		"uid": "user", "auid": "audit_user", "euid": "effective_user", "suid": "set_user", "fsuid": "filesystem_user", "inode_uid": "inode_user",
		"oauid": "o_audit_user", "ouid": "o_user", "obj_uid": "obj_user", "sauid": "sender_audit_user", "gid": "group", "egid": "effective_group",
		"fsgid": "filesystem_group", "inode_gid": "inode_group", "new_gid": "new_group", "obj_gid": "obj_group", "ogid": "owner_group", "sgid": "set_group",
	}
}

func names(n notes, v auomsconf.Value) error {
	var got map[string]string
	if err := decode(n, v, &got); err != nil {
		return err
	}
	var other []string
	for field, name := range got {
		if sample()[field] != name {
			other = append(other, field)
		}
	}
	slices.Sort(other)
	if len(other) > 0 {
		n.dropped(v, "no counterpart for "+strings.Join(other, ", ")+": the formats auoms and oms have the names of auoms' example")
		return nil
	}
	n.became(v, "format", "these are the names that it has")
	return nil
}

func fieldNames(n notes, v auomsconf.Value) error {
	var got []string
	if err := decode(n, v, &got); err != nil {
		return err
	}
	other := slices.DeleteFunc(got, func(name string) bool { return slices.Contains([]string{"arch_r", "ses_r", "mode_r"}, name) })
	if len(other) > 0 {
		n.dropped(v, "no counterpart for "+strings.Join(other, ", ")+": redact.fields overwrites values, fields stay")
		return nil
	}
	n.became(v, "format", "these fields it leaves out")
	return nil
}

// aggregation says which events were aggregated.
func aggregation(n notes, v auomsconf.Value) error {
	var rules []struct {
		Match struct {
			Types  []string `json:"record_types"`
			Fields []struct {
				Name   string   `json:"name"`
				Op     string   `json:"op"`
				Value  string   `json:"value"`
				Values []string `json:"values"`
			} `json:"field_rules"`
		} `json:"match_rule"`
	}
	if err := decode(n, v, &rules); err != nil {
		return err
	}
	for i, r := range rules {
		parts := []string{}
		if len(r.Match.Types) > 0 {
			parts = append(parts, typeCondition(r.Match.Types))
		}
		for _, f := range r.Match.Fields {
			parts = append(parts, fmt.Sprintf("%s %s %s", f.Name, f.Op, strings.Join(append(f.Values, f.Value), " ")))
		}
		one := v
		one.Key = fmt.Sprintf("aggregation_rules[%d]", i)
		n.dropped(one, "no counterpart in this format, so that each event is sent by itself; sinks with format ecs have aggregate for events like those of "+strings.Join(parts, " and "))
	}
	return nil
}
