package millstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is the table `config` of this plugin in `millstream.toml`, as JSON.
type Config struct{ json string }

// ConfigOf is for the SDK's own packages.
func ConfigOf(json string) Config { return Config{json} }

// JSON returns the JSON; `{}` if there is no table.
func (c Config) JSON() string { return c.json }

// Parse parses it into `into`, a pointer to a struct that holds the defaults. A
// key that the struct lacks is an error, so that a misspelt key is refused
// instead of ignored. Return the error unchanged.
func (c Config) Parse(into any) error {
	err := strictJSON(c.json, into)
	if err == nil {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	why := strings.TrimPrefix(err.Error(), "json: ")
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		why = fmt.Sprintf("`%s` must be of Go's type %v, not a %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	if key, ok := strings.CutPrefix(why, "unknown field "); ok {
		why = "unknown key `" + strings.Trim(key, `"`) + "`"
	}
	return errors.New("config: " + why)
}

// None is for a plugin without configuration: an error if there is any.
func (c Config) None() error {
	var table map[string]json.RawMessage
	if err := json.Unmarshal([]byte(c.json), &table); err != nil {
		return errors.New("config: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	return fmt.Errorf("config: unknown key `%s`; this plugin has no configuration", slices.Min(keys))
}
