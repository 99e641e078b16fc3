package block_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/storage/internal/block"
)

// TestReplay: a builder that replays the steps of another is the same, and both tell every
// snapshot as the block does.
func TestReplay(t *testing.T) {
	z := newCompressor(t)
	for seed := range uint64(30) {
		records := history(seed, 1+int(seed%30))
		first, second := block.NewBuilder(), block.NewBuilder()
		for i, r := range records {
			step, err := first.Add(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Replay(step); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, i, err)
			}
			for _, b := range []*block.Builder{first, second} {
				for _, j := range []int{i, i / 2} {
					got, err := b.Snapshot(j)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(records[j], got, sameBits); diff != "" {
						t.Fatalf("seed %d, step %d of %d (-want +got):\n%s", seed, j, i, diff)
					}
				}
			}
		}
		if !bytes.Equal(first.Encode(z), second.Encode(z)) {
			t.Fatalf("seed %d: the blocks differ", seed)
		}
		if first.Size() != second.Size() {
			t.Errorf("seed %d: the sizes are %d and %d", seed, first.Size(), second.Size())
		}
	}
}

func FuzzReplay(f *testing.F) {
	records := history(5, 6)
	b := block.NewBuilder()
	for _, r := range records {
		step, err := b.Add(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(step)
	}
	z := newCompressor(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := block.NewBuilder()
		for _, r := range records[:3] {
			if _, err := b.Add(nil, r); err != nil {
				t.Fatal(err)
			}
		}
		if b.Replay(data) != nil {
			return
		}
		for i := range b.Len() {
			_, _ = b.Snapshot(i)
		}
		if _, err := block.Open(b.Encode(z), z); err != nil {
			t.Errorf("a replayed step makes a block that is none: %v", err)
		}
	})
}
