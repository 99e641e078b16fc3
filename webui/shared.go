package webui

import (
	"context"
	"sync"
	"time"
)

// shared keeps answers that many ask for, for a while. Who asks for one that is being made waits
// for it; when nobody waits any more it is given up.
type shared[K comparable, V any] struct {
	fresh time.Duration // how long an answer is good
	most  int           // answers that are kept

	mu      sync.Mutex
	answers map[K]*sharedAnswer[V]
}

type sharedAnswer[V any] struct {
	ready   chan struct{} // closed when the rest is set
	value   V
	err     error
	made    time.Time // zero until then
	waiting int
	cancel  context.CancelFunc
}

// get returns the answer to key, which answer makes if there is none at the instant now.
func (s *shared[K, V]) get(ctx context.Context, key K, now time.Time, answer func(context.Context) (V, error)) (V, error) {
	a := s.find(ctx, key, now, answer)
	select {
	case <-a.ready:
		return a.value, a.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.waiting--; a.waiting == 0 {
		a.cancel()
		if s.answers[key] == a && a.made.IsZero() {
			delete(s.answers, key)
		}
	}
	var none V
	return none, ctx.Err()
}

func (s *shared[K, V]) find(ctx context.Context, key K, now time.Time, answer func(context.Context) (V, error)) *sharedAnswer[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.answers[key]; a != nil && (a.made.IsZero() || now.Sub(a.made) < s.fresh && !now.Before(a.made)) {
		a.waiting++
		return a
	}
	for k, a := range s.answers { // any, where all are in use
		if len(s.answers) < s.most && now.Sub(a.made) < s.fresh {
			continue
		}
		if !a.made.IsZero() {
			delete(s.answers, k)
		}
	}
	if s.answers == nil {
		s.answers = map[K]*sharedAnswer[V]{}
	}
	making, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &sharedAnswer[V]{ready: make(chan struct{}), waiting: 1, cancel: cancel}
	s.answers[key] = a
	go func() {
		defer cancel()
		value, err := answer(making)
		s.mu.Lock()
		defer s.mu.Unlock()
		a.value, a.err, a.made = value, err, now
		if err != nil && s.answers[key] == a {
			delete(s.answers, key)
		}
		close(a.ready)
	}()
	return a
}
