package bench

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

// powercap is a tree as Linux shows it: two packages, a zone inside one and that of the platform.
func powercap() fstest.MapFS {
	fsys := fstest.MapFS{"intel-rapl/enabled": {Data: []byte("1\n")}}
	for dir, name := range map[string]string{"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:1": "package-1", "intel-rapl:2": "psys"} {
		fsys[dir+"/name"] = &fstest.MapFile{Data: []byte(name + "\n")}
		fsys[dir+"/max_energy_range_uj"] = &fstest.MapFile{Data: []byte("999999999\n")}
		set(fsys, dir, 0)
	}
	return fsys
}

func set(fsys fstest.MapFS, zone string, uj int) {
	fsys[zone+"/energy_uj"] = &fstest.MapFile{Data: []byte(strconv.Itoa(uj) + "\n")}
}

func TestMeterCountsPackagesOnce(t *testing.T) {
	fsys := powercap()
	m := NewMeter(fsys)
	require.Len(t, m.zones, 2)
	set(fsys, "intel-rapl:0", 999_000_000)
	m.Start()
	set(fsys, "intel-rapl:0", 1_000_000) // beyond the end of its range
	set(fsys, "intel-rapl:1", 3_000_000)
	for _, z := range []string{"intel-rapl:0:0", "intel-rapl:2"} {
		set(fsys, z, 500_000_000)
	}
	require.InDelta(t, 2+3, m.Joules(), 1e-9)
}

func TestNoReadableCounter(t *testing.T) {
	require.Nil(t, NewMeter(fstest.MapFS{}))
	fsys := powercap()
	delete(fsys, "intel-rapl:1/energy_uj")
	fsys["intel-rapl:0/energy_uj"] = &fstest.MapFile{Data: []byte("secret")}
	require.Nil(t, NewMeter(fsys))
}

func TestEnergyOfDecoding(t *testing.T) {
	fsys := powercap()
	m := NewMeter(fsys)
	joules := 0
	wait := func(_ context.Context, d time.Duration) error {
		joules += 10 * int(d.Seconds())
		set(fsys, "intel-rapl:0", joules*1e6)
		return nil
	}
	require.NoError(t, m.Idle(context.Background(), 2*time.Second, wait))
	require.ErrorContains(t, m.Idle(context.Background(), time.Second, func(context.Context, time.Duration) error { return errors.New("woken") }), "woken")

	// Each call takes a tenth of a second and 3 J, the prompt's too, which are not counted.
	clock := &machine{}
	f := &fake{m: clock, perToken: 100 * time.Millisecond, slow: func(int) time.Duration {
		joules += 3
		set(fsys, "intel-rapl:0", joules*1e6)
		return 0
	}}
	r, err := Measure(context.Background(), subject(f), Options{Tests: []Spec{{Prompt: 4}, {Generate: 4, Depth: 2}, {Generate: 8}}, Repetitions: 2, Clock: clock.clock, Meter: m})
	require.NoError(t, err)
	require.InDelta(t, 10, r.Energy.IdleWatts, 1e-9)
	require.InDelta(t, 3, r.Energy.JoulesPerToken, 1e-9)
	require.InDelta(t, 3-10*0.1, r.Energy.IdleJoulesPerToken, 1e-9)
}

func TestACounterThatVanishes(t *testing.T) {
	fsys := powercap()
	m := NewMeter(fsys)
	clock := &machine{}
	f := &fake{m: clock, slow: func(int) time.Duration { delete(fsys, "intel-rapl:1/energy_uj"); return time.Second }}
	r, err := Measure(context.Background(), subject(f), Options{Tests: []Spec{{Generate: 1}}, Clock: clock.clock, Meter: m})
	require.NoError(t, err)
	require.Nil(t, r.Energy)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Wait(ctx, time.Hour), context.Canceled)
}

// FuzzMeter: whatever the files hold, there is no meter or its joules are a number that is not negative.
func FuzzMeter(f *testing.F) {
	f.Add("package-0\n", "999\n", "5\n", "3\n")
	f.Add("package-1", "18446744073709551615", "1", "0")
	f.Add("core", "-1", "", "x")
	f.Fuzz(func(t *testing.T, name, limit, before, after string) {
		fsys := fstest.MapFS{"intel-rapl:0/name": {Data: []byte(name)}, "intel-rapl:0/max_energy_range_uj": {Data: []byte(limit)}, "intel-rapl:0/energy_uj": {Data: []byte(before)}}
		m := NewMeter(fsys)
		if m == nil {
			return
		}
		m.Start()
		fsys["intel-rapl:0/energy_uj"] = &fstest.MapFile{Data: []byte(after)}
		require.GreaterOrEqual(t, m.Joules(), 0.0)
	})
}
