// Package latency measures speed, memory and energy of a model on this machine.
package latency
