package procmon_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/procmon/procmon"
)

func TestSearch(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := procmon.Process{
		PID: 4242, Name: "Größe.exe", Username: procmon.Some(`CORP\Anna`), Cmdline: procmon.Some(`"C:\My App\app.exe" --port 80`),
		Exe: procmon.Some(`C:\My App\app.exe`), StartTime: procmon.Some(now.Add(-90 * time.Minute)),
	}
	cpu, memory := procmon.Some(60.0), procmon.Some(uint64(1<<30))
	for _, test := range []struct {
		search string
		want   bool
	}{
		{"", true}, {"  ", true},
		{"größe", true}, {"GRÖSSE", false}, {"anna", true}, {"port", true}, {"porto", false},
		{"anna port", true}, {"anna porto", false}, {"-anna", false}, {"-bob", true},
		{`"my app"`, true}, {`my app`, true}, {`"my  app"`, false}, {`cmd:"--port 80"`, true}, {`cmd:--port`, true},
		{"name:größe", true}, {"name:anna", false}, {"-name:größe", false}, {"NAME:.EXE", true},
		{"name:=größe.exe", true}, {"name:=größe", false}, {`user:=corp\anna`, true},
		{`exe:"my app\app.exe"`, true}, {"exe:port", false},
		{"pid:4242", true}, {"pid:42", false}, {"-pid:42", true},
		{"cpu>50", true}, {"cpu>60", false}, {"cpu>=60", true}, {"cpu<=60%", true}, {"cpu<60", false}, {"-cpu>50", false},
		{"mem>=1GB", true}, {"mem>1GiB", false}, {"mem<1025m", true}, {"mem>1073741823", true}, {"mem>0.5g", true},
		{"started<2h", true}, {"started<1h", false}, {"started>1.4h", true}, {"started<7d", true},
		{"host:win", true}, {"host:lin", false}, {"-host:win", false}, {"host:=win-1", true}, {"host:=win", false},
		{`name:größe user:anna cpu>1 -"--port 81"`, true},
	} {
		s, err := procmon.ParseSearch(test.search)
		if err != nil {
			t.Errorf("%q: %v", test.search, err)
			continue
		}
		if got := s.MatchHost("WIN-1") && s.MatchFacts(&p, now) && s.MatchFigures(cpu, memory); got != test.want {
			t.Errorf("%q matches: %t, want %t", test.search, got, test.want)
		}
		// What is needed is a quick no, and never a wrong one.
		for _, need := range s.Needs() {
			words := need.Words && (need.Match(p.Name) || need.Match(p.Username.Value))
			lines := need.Lines && (need.Match(p.Cmdline.Value) || need.Match(p.Exe.Value))
			if test.want && !words && !lines {
				t.Errorf("%q matches, and something that it needs is not there", test.search)
			}
		}
	}
	if s, _ := procmon.ParseSearch("cpu>0 mem>0 user:a exe:a started<1h -name:x"); s.MatchFacts(&procmon.Process{}, now) || s.MatchFigures(procmon.Opt[float64]{}, procmon.Opt[uint64]{}) {
		t.Error("what is not known matches")
	}
}

func TestSearchRefuses(t *testing.T) {
	for _, test := range []struct {
		search   string
		position int
		want     string
	}{
		{"-", 0, `"-": there is nothing after the -`},
		{`name:"a`, 5, `"name:\"a": a quote is open; end it with another "`},
		{`"ö" "a" x"b c`, 9, `"x\"b c": a quote is open`},
		{"names:a", 0, `"names:a": "names" is no field; allowed are plain words, name: user:`},
		{"größe -names:a", 7, `"-names:a": "names" is no field`},
		{"name:", 5, `"name:": there is nothing after the colon`},
		{" a\u00a0name:=", 9, `"name:=": there is nothing after the colon`},
		{`""`, 0, `"\"\"": there is no text`},
		{"name>a", 4, `"name>a": name takes a colon`},
		{"cpu:5", 3, `"cpu:5": it takes <, <=, > or >=`},
		{"cpu>much", 4, `"cpu>much": CPU is a number of percent`},
		{"-cpu>=much", 6, `"-cpu>=much": CPU is a number of percent`},
		{"mem>1X", 4, `"mem>1X": memory is a number with a unit`},
		{"mem>", 4, `"mem>": memory is a number with a unit`},
		{"started<5", 8, `"started<5": a time is a number with a unit`},
		{"pid:x", 4, `"pid:x": a pid is a number from 0 to 4294967295`},
		{"pid:4294967296", 4, `"pid:4294967296": a pid is a number`},
		{strings.Repeat("a ", 65), 128, "the search has more than 64 terms"},
		{strings.Repeat("a", 5000), 4096, "the search has 5000 bytes; at most 4096 are allowed"},
		{"ü\xff", 1, "the search is not UTF-8"},
	} {
		_, err := procmon.ParseSearch(test.search)
		wrong, ok := errors.AsType[*procmon.SearchError](err)
		if !ok || !strings.HasPrefix(err.Error(), test.want) || wrong.Position != test.position {
			t.Errorf("%.20q: got %+v, want %s at %d", test.search, wrong, test.want, test.position)
		}
	}
}

// The pages say what is wrong as one types: their parser is held to the same table.
func TestSearchAgreesWithThePages(t *testing.T) {
	data, err := os.ReadFile("testdata/search.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Search   string
		Position *int
	}
	if err := json.Unmarshal(data, &tests); err != nil || len(tests) == 0 {
		t.Fatalf("%d tests, %v", len(tests), err)
	}
	for _, test := range tests {
		_, err := procmon.ParseSearch(test.Search)
		wrong, refused := errors.AsType[*procmon.SearchError](err)
		if refused != (test.Position != nil) || refused && wrong.Position != *test.Position {
			t.Errorf("%q: got %+v", test.Search, wrong)
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{`name:"a b" -cpu>5 mem<=1.5GiB`, "started>1w pid:7 ü", `"a`, "-", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := procmon.ParseSearch(text)
		if wrong, ok := errors.AsType[*procmon.SearchError](err); ok != (err != nil) || ok && (wrong.Position < 0 || wrong.Position > utf8.RuneCountInString(text)) {
			t.Fatalf("%q: %+v", text, err)
		}
		if err != nil {
			return
		}
		p := procmon.Process{Name: text, Username: procmon.Some(text), Cmdline: procmon.Some(text), Exe: procmon.Some(text)}
		if !s.MatchFacts(&p, time.Time{}) {
			return
		}
		for _, need := range s.Needs() {
			if !need.Match(text) {
				t.Errorf("%q matches without what it needs", text)
			}
		}
	})
}
