// Package task scores models on question sets.
package task
