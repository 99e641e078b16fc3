package procmon

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-faster/jx"
)

// ContentType is the media type of an encoded snapshot.
const ContentType = "application/json"

var snapshotFields = []field[Snapshot]{
	required("hostname", func(s *Snapshot) *string { return &s.Hostname }, readHostname, writeText),
	required("timestamp", func(s *Snapshot) *time.Time { return &s.Timestamp }, readInstant, writeInstant),
	{name: "events", decode: decodeEvents, encode: encodeEvents},
}

var systemFields = []field[System]{
	text("os", func(s *System) *Opt[string] { return &s.OS }),
	text("processor", func(s *System) *Opt[string] { return &s.Processor }),
	whole32("cores", func(s *System) *Opt[uint32] { return &s.Cores }),
	whole32("threads", func(s *System) *Opt[uint32] { return &s.Threads }),
	number("ram_gb", func(s *System) *Opt[float64] { return &s.RAMGB }),
	number("used_ram_gb", func(s *System) *Opt[float64] { return &s.UsedRAMGB }),
	number("free_ram_gb", func(s *System) *Opt[float64] { return &s.FreeRAMGB }),
	number("storage_total_gb", func(s *System) *Opt[float64] { return &s.StorageTotalGB }),
	number("storage_used_gb", func(s *System) *Opt[float64] { return &s.StorageUsedGB }),
	number("storage_free_gb", func(s *System) *Opt[float64] { return &s.StorageFreeGB }),
	instant("boot_time", func(s *System) *Opt[time.Time] { return &s.BootTime }),
	number("cpu", func(s *System) *Opt[float64] { return &s.CPU }),
	text("agent_version", func(s *System) *Opt[string] { return &s.AgentVersion }),
}

var processFields = []field[Process]{
	required("pid", func(p *Process) *uint32 { return &p.PID }, readWhole32, writeWhole32),
	whole32("ppid", func(p *Process) *Opt[uint32] { return &p.PPID }),
	required("name", func(p *Process) *string { return &p.Name }, readText, writeText),
	number("cpu", func(p *Process) *Opt[float64] { return &p.CPU }),
	number("memory", func(p *Process) *Opt[float64] { return &p.Memory }),
	text("cmdline", func(p *Process) *Opt[string] { return &p.Cmdline }),
	text("username", func(p *Process) *Opt[string] { return &p.Username }),
	instant("start_time", func(p *Process) *Opt[time.Time] { return &p.StartTime }),
	text("exe", func(p *Process) *Opt[string] { return &p.Exe }),
	number("cpu_seconds", func(p *Process) *Opt[float64] { return &p.CPUSeconds }),
	whole64("working_set_bytes", func(p *Process) *Opt[uint64] { return &p.WorkingSetBytes }),
	whole64("private_bytes", func(p *Process) *Opt[uint64] { return &p.PrivateBytes }),
	whole32("threads", func(p *Process) *Opt[uint32] { return &p.Threads }),
	whole32("handles", func(p *Process) *Opt[uint32] { return &p.Handles }),
	whole64("read_bytes", func(p *Process) *Opt[uint64] { return &p.ReadBytes }),
	whole64("write_bytes", func(p *Process) *Opt[uint64] { return &p.WriteBytes }),
	whole32("session_id", func(p *Process) *Opt[uint32] { return &p.SessionID }),
	{name: "services", decode: decodeServices, encode: encodeServices,
		known: func(p *Process) bool { return p.Services != nil },
		same:  sameServices},
	number("kernel_seconds", func(p *Process) *Opt[float64] { return &p.KernelSeconds }),
	whole64("read_operations", func(p *Process) *Opt[uint64] { return &p.ReadOperations }),
	whole64("write_operations", func(p *Process) *Opt[uint64] { return &p.WriteOperations }),
	text("integrity", func(p *Process) *Opt[string] { return &p.Integrity }),
	optional("elevated", func(p *Process) *Opt[bool] { return &p.Elevated }, readBool, func(e *jx.Encoder, v bool) { e.Bool(v) }),
	whole32("bits", func(p *Process) *Opt[uint32] { return &p.Bits }),
	text("company", func(p *Process) *Opt[string] { return &p.Company }),
	text("description", func(p *Process) *Opt[string] { return &p.Description }),
}

func decodeProcess(d *reader, p *Process) error {
	return decodeFields(d, processFields, p, "a process, which is a JSON object")
}

// decodeFields reads one JSON object, which want names.
func decodeFields[T any](d *reader, of []field[T], t *T, want string) error {
	if d.Next() != jx.Object {
		return problem(d, want)
	}
	fields := object[T]{fields: of}
	keys, err := d.ObjIter()
	for err == nil && keys.Next() {
		if i := fields.find(keys.Key()); i >= 0 {
			err = fields.decode(d, i, t)
		} else {
			err = d.Skip()
		}
	}
	if err := cmp.Or(err, keys.Err()); err != nil {
		return err
	}
	return fields.missing()
}

// object reads the fields of one JSON object.
type object[T any] struct {
	fields []field[T]
	seen   uint32 // a bit for each of fields
	next   int    // where the next key is looked for first: writers keep an order
}

// find returns the index of the field that key names, or -1.
func (o *object[T]) find(key []byte) int {
	for n := range o.fields {
		i := (o.next + n) % len(o.fields)
		if o.fields[i].name == string(key) {
			o.next = i + 1
			return i
		}
	}
	return -1
}

func (o *object[T]) decode(d *reader, i int, t *T) error {
	if o.seen&(1<<i) != 0 {
		return &FieldError{Field: o.fields[i].name, Problem: "there twice"}
	}
	o.seen |= 1 << i
	if err := o.fields[i].decode(d, t); err != nil {
		return within(o.fields[i].name, err)
	}
	return nil
}

func (o *object[T]) missing() error {
	for i := range o.fields {
		if o.fields[i].required && o.seen&(1<<i) == 0 {
			return &FieldError{Field: o.fields[i].name, Problem: "missing"}
		}
	}
	return nil
}

// within adds the name of the enclosing field to a FieldError.
func within(name string, err error) error {
	fe, ok := errors.AsType[*FieldError](err)
	if !ok {
		return err
	}
	if fe.Field != "" && !strings.HasPrefix(fe.Field, "[") {
		name += "."
	}
	name += fe.Field
	return &FieldError{Field: name, Problem: fe.Problem}
}

// maxHostname is in bytes: what DNS allows for a name.
const maxHostname = 253

func readHostname(d *reader) (string, error) {
	name, err := readText(d)
	if err != nil {
		return "", err
	}
	return name, CheckHost(name)
}

// CheckHost says what is wrong with the name of a host, as a *FieldError.
func CheckHost(name string) error {
	const want = "a name of 1 to 253 bytes without control characters"
	if name == "" || len(name) > maxHostname || strings.ContainsFunc(name, unicode.IsControl) {
		return notA(strconv.Quote(shorten(name)), want)
	}
	return nil
}

func decodeServices(d *reader, p *Process) error {
	switch d.Next() {
	case jx.Null:
		return d.Null()
	case jx.Array:
	default:
		return problem(d, "a list of service names")
	}
	p.Services = []string{}
	names, err := d.ArrIter()
	for err == nil && names.Next() {
		var name string
		if name, err = readText(d); err != nil {
			err = within(fmt.Sprintf("[%d]", len(p.Services)), err)
		}
		p.Services = append(p.Services, name)
	}
	return cmp.Or(err, names.Err())
}

func encodeServices(e *jx.Encoder, p *Process) {
	if p.Services == nil {
		return
	}
	e.FieldStart("services")
	e.ArrStart()
	for _, name := range p.Services {
		e.Str(name)
	}
	e.ArrEnd()
}

// Encode writes s as Decode reads it. Facts that are unknown are left out.
func (s *Snapshot) Encode(e *jx.Encoder) {
	e.ObjStart()
	encodeFields(e, snapshotFields, s)
	encodeFields(e, systemFields, &s.System)
	s.encodeProcesses(e)
	e.ObjEnd()
}

// EncodeFields writes the fields of s into the object that e has begun, in the shape of
// GET /api/latest/: the host's facts under "system".
func (s *Snapshot) EncodeFields(e *jx.Encoder) {
	encodeFields(e, snapshotFields, s)
	e.FieldStart("system")
	s.System.Encode(e)
	s.encodeProcesses(e)
}

func (s *Snapshot) encodeProcesses(e *jx.Encoder) {
	e.FieldStart("processes")
	e.ArrStart()
	for i := range s.Processes {
		e.ObjStart()
		s.Processes[i].EncodeFields(e)
		e.ObjEnd()
	}
	e.ArrEnd()
}

// Encode writes the host's facts as a JSON object.
func (s *System) Encode(e *jx.Encoder) {
	e.ObjStart()
	encodeFields(e, systemFields, s)
	e.ObjEnd()
}

// EncodeFields writes the fields of p into the object that e has begun.
func (p *Process) EncodeFields(e *jx.Encoder) { encodeFields(e, processFields, p) }

// Same reports whether p is encoded as before is. It is not by way of the table, as it is asked
// of every process of a host at every step of time.
func (p *Process) Same(before *Process) bool {
	q := before
	return p.PID == q.PID && p.CPUSeconds == q.CPUSeconds && p.CPU == q.CPU && p.Memory == q.Memory && p.WorkingSetBytes == q.WorkingSetBytes &&
		p.PrivateBytes == q.PrivateBytes && p.Threads == q.Threads && p.Handles == q.Handles && p.ReadBytes == q.ReadBytes && p.WriteBytes == q.WriteBytes &&
		p.KernelSeconds == q.KernelSeconds && p.ReadOperations == q.ReadOperations && p.WriteOperations == q.WriteOperations &&
		p.PPID == q.PPID && p.StartTime == q.StartTime && p.SessionID == q.SessionID && p.Elevated == q.Elevated && p.Bits == q.Bits &&
		p.Name == q.Name && p.Cmdline == q.Cmdline && p.Username == q.Username && p.Exe == q.Exe &&
		p.Integrity == q.Integrity && p.Company == q.Company && p.Description == q.Description && sameServices(p, q)
}

func sameServices(p, q *Process) bool {
	return (p.Services == nil) == (q.Services == nil) && slices.Equal(p.Services, q.Services)
}

// EncodeChanges writes the fields of p that are not as they are in before into the object that e
// has begun, and null for what is unknown now.
func (p *Process) EncodeChanges(e *jx.Encoder, before *Process) {
	for i := range processFields {
		f := &processFields[i]
		switch {
		case f.same(before, p):
		case f.known(p):
			f.encode(e, p)
		default:
			e.FieldStart(f.name)
			e.Null()
		}
	}
}

func encodeFields[T any](e *jx.Encoder, fields []field[T], t *T) {
	for i := range fields {
		fields[i].encode(e, t)
	}
}
