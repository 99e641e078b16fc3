package spool_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon/exporter/push/spool"
)

// childSpool names the directory in the environment of a child that is killed.
const childSpool = "PROCMON_TEST_SPOOL"

// child puts snapshots until it is killed, and takes some out. It says what it has done.
func child(path string) int {
	s, err := spool.Open(spool.Options{Path: path})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var n, first int
	fmt.Sscan(os.Getenv(childSpool+"_FIRST"), &first)
	for n = first; ; n++ {
		if err := s.Put([]byte(killed(n))); err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println("put", n)
		if n%3 == 0 {
			e, _ := s.Oldest(nil)
			fmt.Println("take", number(string(e.JSON)))
			s.Done(e)
		}
	}
}

// killed is a snapshot that takes several pages of a file.
func killed(n int) string { return fmt.Sprint(n, " ", noise(n, 10_000+n%7*3000)) }

func number(snapshot string) (n int) {
	fmt.Sscan(snapshot, &n)
	if killed(n) != snapshot {
		return -1
	}
	return n
}

func TestKill(t *testing.T) {
	path := directory(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	kills := 50
	if testing.Short() {
		kills = 5
	}
	put, taken := -1, -1 // the last ones
	damaged := uint64(0)
	for i := range kills {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), childSpool+"="+path, fmt.Sprintf("%s_FIRST=%d", childSpool, put+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The child is killed some time after its first words.
		began := make(chan struct{})
		lines := make(chan string, 1)
		go func() {
			r := bufio.NewReader(out)
			first, _ := r.ReadString('\n')
			close(began)
			rest, _ := io.ReadAll(r)
			lines <- first + string(rest)
		}()
		<-began
		timer := time.NewTimer(rand.N(15 * time.Millisecond))
		<-timer.C
		cmd.Process.Kill()
		said := <-lines
		cmd.Wait()

		for line := range strings.Lines(said) {
			var what string
			var n int
			if _, err := fmt.Sscanf(line, "%s %d\n", &what, &n); err != nil {
				if strings.HasPrefix(line, "error") {
					t.Fatal(line)
				}
				continue // the last may be cut
			}
			switch what {
			case "put":
				put = n
			case "take":
				// That after a kill may be one that was taken and not yet crossed out.
				if n != taken+1 && n != taken {
					t.Fatalf("kill %d: %d was taken after %d", i, n, taken)
				}
				taken = n
			}
		}

		s, err := spool.Open(spool.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		// What waits begins where it was left, and ends with what was put, or with one more
		// that was not acknowledged.
		var got []int
		for {
			e, ok := s.Oldest(nil)
			if !ok {
				break
			}
			got = append(got, number(string(e.JSON)))
			if i%5 != 4 && len(got) == 2 {
				break
			}
			s.Done(e)
		}
		waiting := s.Stats().Waiting
		if i%5 == 4 {
			waiting = len(got)
		} else {
			waiting++ // the one that is done
		}
		damaged += s.Stats().Damaged
		closeSpool(t, s)
		for j, n := range got {
			if j == 0 && n != taken && n != taken+1 || j > 0 && n != got[j-1]+1 {
				t.Fatalf("kill %d: %v wait after %d was taken", i, got, taken)
			}
		}
		if len(got) > 0 {
			if last := got[0] + waiting - 1; last != put && last != put+1 {
				t.Fatalf("kill %d: %d wait from %d, and %d is the last that was put", i, waiting, got[0], put)
			} else {
				put = last
			}
			if i%5 == 4 {
				taken = got[len(got)-1]
			} else {
				taken = got[0]
			}
		} else if taken != put {
			t.Fatalf("kill %d: nothing waits, %d was taken and %d put", i, taken, put)
		}
	}
	t.Logf("%d snapshots were put, %d files were cut", put+1, damaged)
}
