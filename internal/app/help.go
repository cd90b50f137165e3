package app

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

// usage writes what the program is and returns code.
func usage(w io.Writer, known []action.Action, code int) int {
	fmt.Fprint(w, "zenml-upgrade proves an upgrade of a ZenML server before it happens.\n\nUsage: zenml-upgrade ACTION [--input value]...\n\nActions:\n")
	for _, a := range known {
		first, _, _ := strings.Cut(strings.TrimSpace(a.Help()), "\n")
		fmt.Fprintf(w, "  %-16s %s\n", a.Name(), first)
	}
	fmt.Fprint(w, `
  zenml-upgrade ACTION --help   inputs and examples of an action
  zenml-upgrade --version       version of the program

Exit status: 0 done · 1 the verdict blocks · 2 bad input · 3 no verdict could be formed ·
4 upgrade failed, rolled back or frozen · 5 rollback failed · 6 interrupted
`)
	return code
}

// help writes an action's inputs and examples.
func help(w io.Writer, a action.Action) int {
	k, err := parser(a)
	if err != nil {
		tell(w, "error", err.Error())
		return exitNoVerdict
	}
	fmt.Fprintf(w, "Usage: zenml-upgrade %s [--input value]...\n\n%s\n\nInputs:\n", a.Name(), strings.TrimSpace(a.Help()))
	for _, f := range k.Model.Flags {
		fmt.Fprintf(w, "  --%s %s\n", f.Name, placeholder(f))
		var notes []string
		if f.Required {
			notes = append(notes, "Required.")
		}
		if f.HasDefault && f.Default != "" {
			notes = append(notes, fmt.Sprintf("Default: %s.", f.Default))
		}
		if secret(f) {
			notes = append(notes, fmt.Sprintf("Secret: set %s or give @FILE.", environName(f.Name)))
		}
		fmt.Fprintf(w, "      %s\n", strings.Join(append([]string{f.Help}, notes...), " "))
	}
	fmt.Fprint(w, "\nEvery input can also be given as ZENML_UPGRADE_NAME in the environment.\n")
	return exitDone
}

func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	return strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}
