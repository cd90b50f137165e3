package impact

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What changes is told apart from what is to be used instead.
func TestTell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"* `a.b` is gone. Use `a.c` instead. [PR #1](https://localhost/`x`)": {"a.b"},
		"`A` is now `B`":                                 {"A"},
		"Use `A` instead of `B`":                         {"B"},
		"`a_b` and `c_d` were removed in favor of `e_f`": {"a_b", "c_d"},
		"Rename `a_b` to `c_d`":                          {"a_b"},
		"Please call `x()` or `y()` now":                 nil,
		"If you use `A`, change your code":               {"A"},
		"If you were using `A`: call `B`":                {"A"},
		"Custom flavors must implement new `f` and `g`":  nil,
		"The new parameter `p` does it":                  nil,
		"`ZENML_A` is deprecated in favor of `ZENML_B`.": {"ZENML_A"},
		"`f(..., a=True)` -> `f(..., b=True)`":           {"f(..., a=True)"},
		"A text with ``` and no end `x` of it":           nil,
		"**Old syntax:**\n```python\nfrom zenml import A, B\n@step(m=A)\n```\n**New syntax:**\n```python\nfrom zenml import B\n@step(n=B)\n```\n": {"zenml.A", "@step(m=...)"},
	} {
		if d := cmp.Diff(want, tell(text).names); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Old endpoints and client methods for legacy triggers, actions and event sources have been removed": {"triggers", "actions", "event sources"},
		"The logging system has been redesigned":                                                            {"logging"},
		"Remove hub references by @someone in https://localhost":                                            {"hub"},
		"Rename tenant to workspace":                                                                        {"tenant"},
		"We've removed secrets managers\nfrom all stacks":                                                   {"secrets managers"},
		"If you use it, update your code":                                                                   nil,
		"This release is a big change":                                                                      nil,
	} {
		var got []string
		for _, x := range topics(subjectOf(clear(text))) {
			got = append(got, x.text)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	for name, of := range map[string]string{"list_event_sources": "event source", "EventSourceFilter": "event source", "zenml.logger.get_logger": "log", "HTTPServerClient": "server"} {
		if !speaks(name, topic{words: topicWord.FindAllString(of, -1)}) {
			t.Errorf("%s does not speak of %s", name, of)
		}
	}
	if speaks("list_event_source_flavor", topic{words: []string{"source", "event"}}) || speaks("catalog", topic{words: []string{"log"}}) {
		t.Error("words in another order, or parts of words, were taken")
	}
}
