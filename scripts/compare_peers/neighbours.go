package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// neighbours tells how much of the processors others used while commands ran: figures made on a busy machine should
// say so.
type neighbours struct {
	begin time.Time
	busy  float64 // seconds of all processors, or less than 0 where it is not known
	own   float64
}

// watch begins; own is the processor time of the commands so far.
func watch(own float64) neighbours {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return neighbours{busy: -1}
	}
	return neighbours{time.Now(), busySeconds(string(b)), own}
}

// share is what others used since, of the processors' time; ok is false where it is not known.
func (n neighbours) share(own float64, cores int) (share float64, ok bool) {
	now := watch(own)
	if n.busy < 0 || now.busy < 0 || cores < 1 {
		return 0, false
	}
	elapsed := now.begin.Sub(n.begin).Seconds() * float64(cores)
	return max(0, (now.busy-n.busy)-(now.own-n.own)) / max(elapsed, 1e-9), true
}

// say is a sentence about the share.
func (n neighbours) say(own float64, cores int) string {
	share, ok := n.share(own, cores)
	switch {
	case !ok:
		return "it is not known what else ran"
	case share > 0.05:
		return fmt.Sprintf("**the machine was busy: others used %.0f %% of the processors**", 100*share)
	}
	return fmt.Sprintf("others used %.0f %% of the processors", 100*share)
}

// busySeconds reads the first line of /proc/stat, in hundredths of a second: user nice system idle iowait irq softirq
// steal, of which idle and iowait are not work. What the host takes away (steal) is.
func busySeconds(stat string) float64 {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return -1
	}
	var busy float64
	for i, f := range fields[1:9] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return -1
		}
		if i != 3 && i != 4 {
			busy += v / 100
		}
	}
	return busy
}
