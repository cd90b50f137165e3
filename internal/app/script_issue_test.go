package app

import (
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// issue looks at an issue of a script's GitHub as a person does:
//
//	issue show NUMBER FILE          writes its title, state and text
//	issue tick NUMBER LOGIN BOX     ticks a box
//	issue wipe NUMBER LOGIN         empties its text
func issue(ts *testscript.TestScript, _ bool, args []string) {
	g := ts.Value(githubKey{}).(*fakeGitHub)
	if len(args) < 3 {
		ts.Fatalf("usage: issue show NUMBER FILE | tick NUMBER LOGIN BOX | wipe NUMBER LOGIN")
	}
	number, err := strconv.Atoi(args[1])
	ts.Check(err)
	switch {
	case args[0] == "show":
		i := g.server.Issue(g.repo, number)
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(i.Title+"\n"+i.State+"\n"+i.Body), 0o600))
	case args[0] == "tick" && len(args) == 4:
		g.server.EditIssue(g.repo, number, args[2], func(body string) string {
			lines := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
			for n, l := range lines {
				if strings.HasSuffix(l, "<!-- box:"+args[3]+" -->") {
					lines[n] = strings.Replace(l, "- [ ]", "- [x]", 1)
				}
			}
			return strings.Join(lines, "\r\n")
		})
	case args[0] == "wipe":
		g.server.EditIssue(g.repo, number, args[2], func(string) string { return "" })
	}
}
