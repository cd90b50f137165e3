package app

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// inputs are an action's inputs as found in the arguments and the environment.
type inputs struct {
	common   action.Common
	secrets  []string // values that must be shown nowhere
	warnings []string
}

// maxSecretFile bounds what @FILE reads; the longest key in use is below 4 KiB.
const maxSecretFile = 64 << 10

// parser returns kong's model of an action's inputs. Kong names, fills and explains them; which
// values they get is decided in parse, because kong stops at the first fault.
func parser(a action.Action) (*kong.Kong, error) {
	k, err := kong.New(a.Inputs(), kong.Name("zenml-upgrade "+a.Name()), kong.Description(a.Help()),
		kong.NoDefaultHelp(), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}))
	if err != nil {
		return nil, fmt.Errorf("building the inputs of %s: %w", a.Name(), err)
	}
	return k, nil
}

// parse fills the action's inputs: flag, INPUT_NAME, ZENML_UPGRADE_NAME, default. An empty value
// is none. The error joins every fault; the inputs are usable beside it.
func parse(a action.Action, p process) (*inputs, error) {
	in := &inputs{}
	k, err := parser(a)
	if err != nil {
		return in, err
	}
	given, faults := scan(p.args, k.Model.Flags)
	var args []string
	for _, f := range k.Model.Flags {
		value, onCommandLine := given[f.Name]
		if value == "" {
			value, onCommandLine = fromEnviron(f.Name, p), false
		}
		if secret(f) && value != "" {
			if value, err = in.secret(f.Name, value, onCommandLine); err != nil {
				faults = append(faults, err)
			}
		}
		if f.Required && value == "" && err == nil {
			faults = append(faults, missing(f))
		}
		err, f.Required = nil, false
		if value != "" {
			args = append(args, "--"+f.Name+"="+value)
		}
	}
	if _, err := k.Parse(args); err != nil {
		faults = append(faults, fault.BadInput(err.Error(), "see --help"))
	}
	if c := reflect.ValueOf(a.Inputs()).Elem().FieldByName("Common"); c.IsValid() {
		in.common, _ = c.Interface().(action.Common)
	}
	return in, errors.Join(faults...)
}

func missing(f *kong.Flag) error {
	next := fmt.Sprintf("give --%s or set %s", f.Name, environName(f.Name))
	if secret(f) {
		next = fmt.Sprintf("set %s or give --%s @FILE", environName(f.Name), f.Name)
	}
	return fault.BadInput(f.Name+" is missing", next)
}

func secret(f *kong.Flag) bool { return f.Tag.Get("secret") == "true" }

// boolean says whether a flag may stand without a value.
func boolean(f *kong.Flag) bool { return f.PlaceHolder == "BOOL" }

// scan takes the arguments apart without stopping at a fault. A value may follow after a blank
// or =; after a yes-or-no flag it may be left out.
func scan(args []string, flags []*kong.Flag) (map[string]string, []error) {
	known, names := map[string]*kong.Flag{}, []string{}
	for _, f := range flags {
		known[f.Name] = f
		names = append(names, f.Name)
	}
	if len(args) > 0 && args[0] == "publish" && known["publish"] != nil { // the form of a command
		args = append([]string{"--publish"}, args[1:]...)
	}
	given, faults := map[string]string{}, []error{}
	for i := 0; i < len(args); i++ {
		word, isFlag := strings.CutPrefix(args[i], "--")
		if !isFlag || word == "" {
			faults = append(faults, fault.BadInput(fmt.Sprintf("unexpected argument %q", args[i]), "inputs are given as --name value"))
			continue
		}
		name, value, hasValue := strings.Cut(word, "=")
		f := known[name]
		follows := !hasValue && i+1 < len(args) && !strings.HasPrefix(args[i+1], "--")
		switch {
		case f != nil && boolean(f) && !hasValue:
			value, hasValue = "true", true
			if follows && (args[i+1] == "true" || args[i+1] == "false") {
				value, i = args[i+1], i+1
			}
		case follows: // also after an unknown flag: what follows was meant as its value
			value, hasValue, i = args[i+1], true, i+1
		}
		_, twice := given[name]
		switch {
		case f == nil:
			faults = append(faults, unknownFlag(name, names))
		case !hasValue:
			faults = append(faults, fault.BadInput(fmt.Sprintf("--%s has no value", name), "write --"+name+" value"))
		case twice:
			faults = append(faults, fault.BadInput(fmt.Sprintf("--%s is given twice", name), "keep one"))
		default:
			given[name] = value
		}
	}
	return given, faults
}

func unknownFlag(name string, names []string) error {
	next := "see --help"
	if near := fault.Near(name, names); near != "" {
		next = fmt.Sprintf("did you mean --%s?", near)
	}
	return fault.BadInput(fmt.Sprintf("unknown flag %q", "--"+name), next)
}

func environName(name string) string {
	return "ZENML_UPGRADE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fromEnviron looks an input up as GitHub's runner gives it, then under the program's own name.
func fromEnviron(name string, p process) string {
	for _, key := range []string{"INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_")), environName(name)} {
		if v := strings.TrimSpace(p.getenv(key)); v != "" {
			return v
		}
	}
	return ""
}

// secret reads @FILE, warns of a secret that stands on the command line, and notes what must be
// shown nowhere.
func (in *inputs) secret(name, value string, onCommandLine bool) (string, error) {
	if path, ok := strings.CutPrefix(value, "@"); ok {
		text, err := readSecret(path)
		if err != nil {
			return "", fault.BadInput(fmt.Sprintf("%s: the file %q cannot be read: %v", name, path, err), "give a readable file after @")
		}
		value, onCommandLine = text, false
	}
	parts := secretParts(value)
	in.secrets = append(in.secrets, parts...)
	if onCommandLine && len(parts) > 0 {
		in.warnings = append(in.warnings, fmt.Sprintf("--%s stands on the command line, where other users can read it; set %s or give @FILE", name, environName(name)))
	}
	return value, nil
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		var cause *os.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", errors.New("reading failed")
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("larger than %d bytes", maxSecretFile)
	case strings.TrimRight(string(b), "\r\n") == "":
		return "", errors.New("empty")
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// secretParts returns what of a value must not be shown: all of it; but a database's address is
// no secret without a password, and its path has to stand in reports.
func secretParts(value string) []string {
	scheme, rest, ok := strings.Cut(value, "://")
	switch {
	case ok && scheme == "sqlite":
		return nil
	case !ok || scheme != "mysql" && scheme != "mariadb":
		return []string{value}
	}
	// By hand: a password that is badly encoded must not be shown either.
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return nil
	}
	_, password, ok := strings.Cut(rest[:at], ":")
	if !ok {
		return nil
	}
	parts := []string{value, password}
	if plain, err := url.PathUnescape(password); err == nil && plain != password {
		parts = append(parts, plain)
	}
	return parts
}
