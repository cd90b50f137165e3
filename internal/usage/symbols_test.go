package usage

import "testing"

func TestSymbolsHas(t *testing.T) {
	t.Parallel()
	s := &Symbols{
		Modules: map[string]map[string]string{
			"zenml":        {"Client": "zenml.client.Client", "step": "def", "os": "os"},
			"zenml.client": {"Client": "class", "Base": "zenml.base.Base", "Any": "class"},
			"zenml.base":   {"Base": "class"},
			"zenml.lazy":   {"*": "?"},
		},
		Classes: map[string]classSymbols{
			"zenml.client.Client": {Bases: []string{"Base", "BaseModel"}, Members: []string{"list_stacks"}},
			"zenml.base.Base":     {Members: []string{"close"}},
			"zenml.client.Any":    {Members: []string{"__getattr__"}},
		},
		Commands: map[string]bool{"pipeline list": false, "up": true},
	}
	for name, want := range map[string][2]bool{
		"zenml.client":                    {true, true},
		"zenml.client.Client":             {true, true},
		"zenml.client.Client.list_stacks": {true, true},
		"zenml.Client.list_stacks":        {true, true},
		"zenml.Client.close":              {true, true},
		"zenml.Client.gone":               {false, true},
		"zenml.step":                      {true, true},
		"zenml.gone":                      {false, true},
		"zenml.gone.Thing":                {false, true},
		"zenml.lazy.thing":                {false, false},
		"zenml.client.Any.thing":          {false, false},
		"zenml.os.path":                   {true, false},
		"other.thing":                     {false, false},
	} {
		if has, known := s.Has(name); has != want[0] || known != want[1] {
			t.Errorf("%s: has %v, known %v, want %v", name, has, known, want)
		}
	}
	for call, want := range map[string]string{"zenml pipeline list --size 3": "pipeline list", "zenml up": "up", "zenml stack list": "", "zenml": ""} {
		if words, _, _ := s.Command(call); words != want {
			t.Errorf("%s: %q, want %q", call, words, want)
		}
	}
}
