package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// print writes standard output in the format asked for. Inputs that are wrong are told on
// standard error only, but for JSON, whose reader gets a document whatever happened.
func (o *outcome) print(p process, w *written, code int) error {
	var err error
	switch {
	case o.set.format == "json":
		_, err = p.stdout.Write(w.json)
	case code == exitInput:
		return nil
	case o.set.format == "markdown":
		err = report.Markdown(p.stdout, w.document, 0)
	default:
		err = report.Plain(p.stdout, w.document)
		for _, path := range []string{w.result, w.report} {
			if path != "" {
				fmt.Fprintf(p.stdout, "%s\n", path)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

// publish tells the runner: outputs, summary, annotations.
func (o *outcome) publish(runner *gha.Runner, w *written) error {
	if runner == nil {
		return nil
	}
	head := o.result.Head()
	values := map[string]string{
		"decision": string(head.Decision), "reason-code": head.ReasonCode, "summary": w.document.Headline,
		"result": "", "report": "",
	}
	if w.result != "" {
		values["result"] = runner.Path(w.result)
	}
	if w.report != "" {
		values["report"] = runner.Path(w.report)
	}
	if more, ok := o.result.(action.Outputter); ok {
		for name, value := range more.Outputs() {
			values[name] = o.secrets.text(value)
		}
	}
	err := runner.Outputs(values)
	if room := runner.SummaryRoom(); room > 0 {
		var b bytes.Buffer
		if errText := report.Markdown(&b, w.document, room); errText != nil {
			err = errors.Join(err, errText)
		} else {
			err = errors.Join(err, runner.Summary(b.String()))
		}
	}
	o.annotate(runner)
	return err
}

// tell writes one message to a person. It cannot steer a terminal or command GitHub's runner,
// which reads commands from the start of a line and, in the old form, from anywhere in it.
func tell(w io.Writer, kind, message string) {
	message = strings.Map(func(r rune) rune {
		if r != '\n' && (r < ' ' || r == 0x7f || r == 0x9b) {
			return ' '
		}
		return r
	}, strings.TrimSpace(message))
	message = strings.ReplaceAll(message, "##[", "## [")
	fmt.Fprintf(w, "%s: %s\n", kind, strings.ReplaceAll(message, "\n", "\n  | "))
}

// guard runs do and turns a panic into an error that names the place.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("defect in zenml-upgrade: %v at %s; please report it, nothing is known about the upgrade", p, place(debug.Stack()))
		}
	}()
	return do()
}

// place finds the line that panicked: the first of this module's after the panic.
func place(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "panic(")
	for line := range strings.Lines(after) {
		if file, ok := strings.CutPrefix(line, "\t"); ok && !strings.Contains(file, "/runtime/") {
			file, _, _ = strings.Cut(strings.TrimSpace(file), " ")
			return filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
		}
	}
	return "an unknown place"
}
