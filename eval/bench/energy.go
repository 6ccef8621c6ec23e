package bench

import (
	"context"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// PowercapRoot is where Linux shows energy counters.
const PowercapRoot = "/sys/class/powercap"

// Meter reads the package energy counters of RAPL (Running Average Power Limit; Intel's, and AMD's through the same
// files): energy_uj, microjoules, which begins anew after max_energy_range_uj. A counter runs for minutes at
// least before it does that twice, so each measurement must be shorter.
type Meter struct {
	fsys      fs.FS
	zones     []zone
	start     []uint64
	idleWatts float64
	broken    bool // a counter could not be read any more: there are no figures then
}

// zone is one package's counter.
type zone struct {
	dir string
	max uint64 // largest value
}

// NewMeter finds the package counters below fsys, os.DirFS(PowercapRoot). It is nil where none is readable, which
// is usual: since 2020 only root may read them. Zones inside packages (cores, memory) and the zone of the whole
// platform are left out, as they would count twice.
func NewMeter(fsys fs.FS) *Meter {
	m := &Meter{fsys: fsys}
	dirs, _ := fs.Glob(fsys, "intel-rapl:*")
	for _, d := range dirs {
		name, err := fs.ReadFile(fsys, d+"/name")
		if err != nil || strings.Count(d, ":") != 1 || !strings.HasPrefix(string(name), "package-") {
			continue
		}
		limit, ok := m.number(d + "/max_energy_range_uj")
		if _, readable := m.number(d + "/energy_uj"); ok && readable {
			m.zones = append(m.zones, zone{d, limit})
		}
	}
	if len(m.zones) == 0 {
		return nil
	}
	return m
}

func (m *Meter) number(path string) (uint64, bool) {
	b, err := fs.ReadFile(m.fsys, path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

func (m *Meter) read() []uint64 {
	v := make([]uint64, len(m.zones))
	for i, z := range m.zones {
		n, ok := m.number(z.dir + "/energy_uj")
		v[i], m.broken = n, m.broken || !ok
	}
	return v
}

// Start begins a measurement.
func (m *Meter) Start() { m.start = m.read() }

// Joules is what all packages used since Start.
func (m *Meter) Joules() float64 {
	var sum float64
	for i, now := range m.read() {
		sum += used(m.start[i], now, m.zones[i].max)
	}
	return sum / 1e6
}

// used is the way from start to now of a counter of 0..limit, 0 for one that was beyond.
func used(start, now, limit uint64) float64 {
	if now >= start {
		return float64(now - start)
	}
	if start > limit {
		return 0
	}
	return float64(limit-start) + float64(now) + 1
}

// Idle measures what the machine takes when this process does nothing, over a time; wait waits for it.
func (m *Meter) Idle(ctx context.Context, d time.Duration, wait func(context.Context, time.Duration) error) error {
	m.Start()
	if err := wait(ctx, d); err != nil {
		return err
	}
	m.idleWatts = m.Joules() / d.Seconds()
	return nil
}

// Wait is the wait of Idle.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// energy is the figures of decoding tokens, nil when a counter could not be read.
func (m *Meter) energy(joules, seconds float64, tokens int) *Energy {
	if m.broken {
		return nil
	}
	n := float64(tokens)
	return &Energy{JoulesPerToken: joules / n, IdleJoulesPerToken: (joules - m.idleWatts*seconds) / n, IdleWatts: m.idleWatts}
}
