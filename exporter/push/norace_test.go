//go:build !race

package push_test

const underRace = false
