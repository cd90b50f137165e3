package github

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GitHub's page sizes.
const (
	pageSize    = 30
	largestPage = 100
)

// number is a path parameter.
func (c *call) number(name string) int64 {
	n, _ := strconv.ParseInt(c.params[name], 10, 64) // the description asks for a number
	return n
}

// decode reads the request's body, which the description has found good.
func (c *call) decode(into any) { _ = json.Unmarshal(c.body, into) }

// page cuts a list as page and per_page ask and adds the headers that lead on.
func (s *Server) page(c *call, list []any) ([]any, http.Header) {
	q := c.URL.Query()
	size := min(number(q.Get("per_page"), pageSize), largestPage)
	at := number(q.Get("page"), 1)
	from := min(len(list), (at-1)*size)
	to := min(len(list), from+size)
	links := http.Header{}
	if to < len(list) {
		link := func(page int, rel string) string {
			q.Set("page", strconv.Itoa(page))
			return fmt.Sprintf(`<%s%s?%s>; rel="%s"`, s.URL, c.URL.Path, q.Encode(), rel)
		}
		links.Set("Link", link(at+1, "next")+", "+link((len(list)+size-1)/size, "last"))
	}
	return append([]any{}, list[from:to]...), links
}

// list answers with a page of a list.
func (s *Server) list(c *call, list []any) answer {
	page, links := s.page(c, list)
	return answer{http.StatusOK, links, page}
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// sorted returns a map's values in the order of their keys: the order of creation.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	var out []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// with returns a thing made of GitHub's own example of its kind, some fields set.
func (s *Server) with(example string, fields map[string]any) map[string]any {
	out := s.spec.example(s.tb, example)
	maps.Copy(out, fields)
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func api(repo string) string { return "https://api.github.com/repos/" + repo }

func web(repo string) string { return "https://github.com/" + repo }

func user(login string) map[string]any {
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	u := map[string]any{"login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "type": kind, "site_admin": false}
	for _, k := range []string{"avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events", "repos", "starred", "subscriptions"} {
		u[k+"_url"] = "https://api.github.com/users/" + strings.TrimSuffix(login, "[bot]") + "/" + k
	}
	u["url"] = "https://api.github.com/users/" + strings.TrimSuffix(login, "[bot]")
	return u
}
