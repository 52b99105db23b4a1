package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vigil/internal/setting"
)

// maxFile bounds a configuration file. 1 MiB is some thousand times what the
// whole configuration needs.
const maxFile = 1 << 20

// ApplyYAML lays the settings of a vigil.yaml over c. On an error, which is an
// [*Error] or says why the file cannot be read, c is as it was.
func (c *Config) ApplyYAML(file string) error {
	text, err := readFile(file)
	if err != nil {
		return err
	}
	return c.applyYAMLText(file, text)
}

func (c *Config) applyYAMLText(file string, text []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return yamlSyntaxError(file, err)
	}
	if len(document.Content) == 0 { // empty, or nothing but comments
		return nil
	}
	next := *c
	d := decoder{file: file, left: maxNodes}
	if err := d.value(document.Content[0], reflect.ValueOf(&next).Elem(), "the file"); err != nil {
		return err
	}
	if err := next.check(file); err != nil {
		return err
	}
	*c = next
	return nil
}

// readFile reads a configuration file whole, refusing what is no file or too
// large to be one.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, &Error{File: file, What: "not a regular file"}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > maxFile {
		return nil, &Error{File: file, What: "larger than 1 MiB: this cannot be a configuration"}
	}
	return text, nil
}

// yamlSyntaxError turns the library's "yaml: line 3: ..." into an [Error].
func yamlSyntaxError(file string, err error) error {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	rest, ok := strings.CutPrefix(what, "line ")
	if number, tail, found := strings.Cut(rest, ": "); ok && found {
		if line, convErr := strconv.Atoi(number); convErr == nil {
			return &Error{File: file, Line: line, What: "not YAML: " + tail}
		}
	}
	return &Error{File: file, What: "not YAML: " + what}
}

// maxNodes bounds what a file of nested aliases can make us walk.
const maxNodes = 10_000

// decoder lays a YAML tree over Go values, strictly: each key must be known,
// written once and of the right type.
type decoder struct {
	file string
	left int // nodes that may still be visited
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) error {
	return &Error{File: d.file, Line: n.Line, What: fmt.Sprintf(format, args...)}
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) error {
	if d.left--; d.left < 0 {
		return d.fail(n, "too many nested values")
	}
	if n.Kind == yaml.AliasNode {
		return d.value(n.Alias, v, key)
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Sink]() {
			return d.sink(n, v)
		}
		return d.mapping(n, v, key)
	case reflect.Slice:
		return d.sequence(n, v, key)
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return d.fail(n, "%s wants one value", key)
	}
	if err := setScalar(v, n.Value); err != nil {
		return d.fail(n, "%s: %s", key, err)
	}
	return nil
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" { // `trail:` with nothing below
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return d.fail(n, "%s wants keys with values, like `mode: auto`", key)
	}
	return d.mappings(n, key, v)
}

// mappings lays a mapping over several structs, each of which has some of the keys.
func (d *decoder) mappings(n *yaml.Node, key string, structs ...reflect.Value) error {
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		field, right := findKey(structs, name.Value)
		switch {
		case !field.IsValid():
			return d.fail(name, "%s (in %s)", unknown("key", name.Value, right), key)
		case seen[name.Value]:
			return d.fail(name, "key %q is written twice", name.Value)
		}
		seen[name.Value] = true
		if err := d.value(n.Content[i+1], field, name.Value); err != nil {
			return err
		}
	}
	return nil
}

// findKey finds the setting with a key in one of several structs. If there is none,
// right are the keys that there are.
func findKey(structs []reflect.Value, key string) (field reflect.Value, right []string) {
	for _, v := range structs {
		if field, ok := fieldByKey(v, key); ok && key != "-" {
			return field, nil
		}
		right = append(right, keys(v.Type())...)
	}
	return reflect.Value{}, right
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, key string) error {
	if n.Kind != yaml.SequenceNode {
		return d.fail(n, "%s wants a list, like [/etc/audit/rules.d]", key)
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		if err := d.value(item, list.Index(i), key); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// setScalar reads one word into a setting. The error has no place yet.
func setScalar(v reflect.Value, text string) error {
	switch target := v.Addr().Interface().(type) {
	case *Bytes:
		size, err := setting.ParseBytes(text)
		*target = size
		return err
	case *Duration:
		span, err := setting.ParseDuration(text)
		*target = span
		return err
	case *setting.Share:
		share, err := setting.ParseShare(text)
		*target = share
		return err
	case *setting.Secret:
		*target = setting.Secret(text)
		return target.Check()
	}
	if c, ok := v.Interface().(setting.Choice); ok {
		if text == "" && v.IsZero() { // as it is, where not to choose is a choice
			return nil
		}
		for _, word := range c.Words() {
			if word == text {
				v.SetString(word)
				return nil
			}
		}
		return errors.New(unknown("value", text, c.Words()))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		return setBool(v, text)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(n)
		return nil
	case reflect.Uint32:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not a whole number below 4294967296", text)
		}
		v.SetUint(n)
		return nil
	}
	panic("BUG: no way to read a " + v.Type().String())
}

func setBool(v reflect.Value, text string) error {
	switch text {
	case "true", "yes", "on":
		v.SetBool(true)
	case "false", "no", "off":
		v.SetBool(false)
	default:
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return nil
}

// fieldByKey finds the setting with this yaml tag.
func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// keys lists the yaml tags of a struct in the order of its fields.
func keys(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "-" {
			names = append(names, key)
		}
	}
	return names
}
