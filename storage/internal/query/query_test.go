package query_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/procmon/procmon/storage/internal/model"
	"github.com/procmon/procmon/storage/internal/query"
)

// world is a random fleet and an engine that asks it.
func world(t testing.TB, seed uint64) (*fleet, *query.Engine, *rand.Rand) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := newFleet(t)
	for _, host := range []string{"Win-1", "win-2", "lin"} {
		f.add(t, host, model.Random(rnd, host, began, 20+rnd.IntN(100)), 1+rnd.IntN(60))
	}
	return f, &query.Engine{Source: f}, rnd
}

// TestAnswersAgree with those of a plain list of snapshots.
func TestAnswersAgree(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { // so that each frees what it took
			f, e, rnd := world(t, seed)
			for range 4 {
				if err := f.records.Check(t.Context(), rnd, e); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
