package upgrade

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crossing is one schedule of the pipeline p, active unless it says otherwise.
func crossing(parts map[string]any) object {
	body := map[string]any{"active": true}
	for k, v := range parts {
		body[k] = v
	}
	return object{"body": body, "metadata": map[string]any{"pipeline_id": "p"}}
}

func TestWhichSchedulesReachIntoTheWindow(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	minute := 60.0
	window := &Window{Start: time.Date(2026, 11, 28, 21, 0, 0, 0, time.UTC), Length: 2 * time.Hour}
	for name, tc := range map[string]struct {
		schedule map[string]any
		longest  *float64
		window   *Window
		want     *bool
	}{
		"every minute":                  {map[string]any{"cron_expression": "* * * * *"}, &minute, window, &yes},
		"in the morning":                {map[string]any{"cron_expression": "0 9 * * *"}, &minute, window, &no},
		"just before, and it runs on":   {map[string]any{"cron_expression": "59 20 * * *"}, ptr(120.0), window, &yes},
		"just before, and it has ended": {map[string]any{"cron_expression": "58 20 * * *"}, &minute, window, &no},
		"at the end":                    {map[string]any{"cron_expression": "0 23 28 11 *"}, &minute, window, &no},
		"at the start":                  {map[string]any{"cron_expression": "0 21 28 11 *"}, &minute, window, &yes},
		"switched off":                  {map[string]any{"cron_expression": "* * * * *", "active": false}, &minute, window, &no},
		"another form":                  {map[string]any{"cron_expression": "at noon"}, &minute, window, nil},
		"of unknown length":             {map[string]any{"cron_expression": "0 9 * * *"}, nil, window, nil},
		"of unknown length, in it":      {map[string]any{"cron_expression": "0 22 * * *"}, nil, window, &yes},
		"every 7 hours":                 {map[string]any{"interval_second": "PT7H", "start_time": "2026-11-28T01:00:00"}, &minute, window, &yes}, // 01, 08, 15, 22
		"every 8 hours":                 {map[string]any{"interval_second": 28800.0, "start_time": "2026-11-28T02:00:00"}, &minute, window, &no}, // 02, 10, 18, 02
		"every day, since years":        {map[string]any{"interval_second": "P1D", "start_time": "2019-01-01T22:00:00"}, &minute, window, &yes},
		"every second, since years":     {map[string]any{"interval_second": 1.0, "start_time": "2019-01-01T22:00:00"}, &minute, window, &yes},
		"ended":                         {map[string]any{"interval_second": "P1D", "start_time": "2019-01-01T22:00:00", "end_time": "2026-01-01T00:00:00"}, &minute, window, &no},
		"once":                          {map[string]any{"run_once_start_time": "2026-11-28T22:00:00"}, &minute, window, &yes},
		"once, another day":             {map[string]any{"run_once_start_time": "2026-11-29T22:00:00"}, &minute, window, &no},
		"no window":                     {map[string]any{"cron_expression": "* * * * *"}, &minute, nil, nil},
	} {
		a := around{window: tc.window, schedules: []object{crossing(tc.schedule)}}
		if d := cmp.Diff(tc.want, a.crosses("p", tc.longest)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if got := (around{window: window}).crosses("p", &minute); got == nil || *got {
		t.Error("a pipeline without a schedule crosses the window")
	}
}

func ptr[T any](v T) *T { return &v }

func TestIntegrationsOfAPipelineAreThoseOfItsLastRun(t *testing.T) {
	t.Parallel()
	a := around{stacks: map[string][]string{"s": {"kubernetes", "s3"}}}
	run := object{
		"resources": map[string]any{"stack": map[string]any{"id": "s"}},
		"metadata":  map[string]any{"config": map[string]any{"settings": map[string]any{"docker": map[string]any{"required_integrations": []any{"sklearn", "s3"}}}}},
	}
	if d := cmp.Diff([]string{"kubernetes", "s3", "sklearn"}, a.integrations(run)); d != "" {
		t.Error(d)
	}
	if got := a.integrations(object{}); got != nil {
		t.Errorf("the integrations of a stack that is gone are %q", got)
	}
}
