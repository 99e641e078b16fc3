//go:build race

package push_test

// underRace says that the race detector watches, which makes all that happens some ten times slower.
const underRace = true
