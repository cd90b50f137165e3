package upgrade

// timing are the measured seconds from which the downtime is predicted.
type timing struct{ backup, keep, loaded, served, migrate, check float64 }

// stopSeconds is what stopping an idle server takes: uvicorn closes its port at once and ends
// within about a second (measured: shared facts on the behaviour of real servers, 3a).
const stopSeconds = 1.0

// predict sums up what lies between the old version's last answer and the new one's first. Where the
// new version waits, loaded, before the old one stops, its loading is not in it.
func (t timing) predict(waits bool) float64 {
	if waits {
		t.loaded = 0
	}
	// Hooks start the new version twice: in private, where it migrates, and in public.
	return stopSeconds + t.backup + t.keep + 2*t.loaded + t.migrate + t.check
}

// Each part was measured once, on a copy, beside whatever else the machine did. A cut-over on the
// same machine was up to a fifth quicker and a third slower than that; an old server that still
// answers something ends later than an idle one.
const (
	quicker, slower = 0.8, 1.35
	slowStop        = 3.0
)

// spread is the range in which the downtime is expected, from and to.
func (t timing) spread(waits bool) *[2]float64 {
	work := t.predict(waits) - stopSeconds
	return &[2]float64{work * quicker, slowStop + work*slower}
}
