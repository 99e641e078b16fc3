package scraper

import (
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxSenders bounds the table of senders.
const maxSenders = 10_000

// sender is who pushes: a key from an address. The zero key is nobody's.
type sender struct {
	key     [sha256.Size]byte
	address string
}

// limiter holds each sender to a rate by a token bucket.
type limiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	senders map[sender]*rate.Limiter
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: burst, senders: map[sender]*rate.Limiter{}}
}

// allow returns 0 if the sender may go on, else how long it has to wait.
func (l *limiter) allow(s sender, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.senders[s]
	if bucket == nil {
		if len(l.senders) >= maxSenders {
			l.forget(now)
		}
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.senders[s] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// forget drops the senders whose buckets are full again, which is as if they had never come;
// if there are none, it drops any half.
func (l *limiter) forget(now time.Time) {
	for s, bucket := range l.senders {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.senders, s)
		}
	}
	for s := range l.senders {
		if len(l.senders) < maxSenders/2 {
			return
		}
		delete(l.senders, s)
	}
}
