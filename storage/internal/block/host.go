package block

import (
	"cmp"
	"maps"
	"slices"

	"github.com/procmon/procmon"
)

// The columns of what a record says beside its processes.
const (
	hostHost = iota
	hostLabels
	hostHostname
	hostOS
	hostProcessor
	hostCores
	hostThreads
	hostRAM
	hostRAMUsed
	hostRAMFree
	hostStorage
	hostStorageUsed
	hostStorageFree
	hostBoot
	hostCPU
	hostAgent
	hostNoList // 1 if there is no list of processes, not even an empty one
	hostKnown
	hostRaw
	hostColumns
)

type hostCodes [hostColumns]uint64

// hostRow is what the records of a block say beside their processes.
type hostRow struct {
	last   hostCodes
	log    changeLog
	labels map[string]string // of the last record
}

func (h *hostRow) add(step int, r procmon.Record, t *texts) {
	now := h.encode(r, t)
	h.log.add(step, now[:], h.last[:])
	h.last = now
}

func (h *hostRow) encode(r procmon.Record, t *texts) (now hostCodes) {
	var f facts
	s, last := &r.Snapshot.System, &h.last
	now[hostHost] = t.code(r.Host, last[hostHost])
	now[hostHostname] = t.code(r.Snapshot.Hostname, last[hostHostname])
	now[hostLabels] = last[hostLabels]
	if !maps.Equal(r.Labels, h.labels) || h.labels == nil {
		now[hostLabels] = t.code(joinLabels(r.Labels), last[hostLabels])
		h.labels = maps.Clone(r.Labels)
	}
	if r.Labels != nil {
		f.known |= 1 << hostLabels
	}
	now[hostOS] = text(&f, t, hostOS, s.OS, last[hostOS])
	now[hostProcessor] = text(&f, t, hostProcessor, s.Processor, last[hostProcessor])
	now[hostAgent] = text(&f, t, hostAgent, s.AgentVersion, last[hostAgent])
	now[hostCores] = whole(&f, hostCores, s.Cores)
	now[hostThreads] = whole(&f, hostThreads, s.Threads)
	now[hostRAM] = float(&f, hostRAM, s.RAMGB, gibiScale)
	now[hostRAMUsed] = float(&f, hostRAMUsed, s.UsedRAMGB, gibiScale)
	now[hostRAMFree] = float(&f, hostRAMFree, s.FreeRAMGB, gibiScale)
	now[hostStorage] = float(&f, hostStorage, s.StorageTotalGB, gibiScale)
	now[hostStorageUsed] = float(&f, hostStorageUsed, s.StorageUsedGB, gibiScale)
	now[hostStorageFree] = float(&f, hostStorageFree, s.StorageFreeGB, gibiScale)
	now[hostCPU] = float(&f, hostCPU, s.CPU, percentScale)
	if s.BootTime.Known {
		f.known |= 1 << hostBoot
		now[hostBoot] = zigzag(s.BootTime.Value.UnixNano())
	}
	for _, free := range [...]int{hostRAMFree, hostStorageFree} {
		if f.known&^f.raw&(1<<free) != 0 {
			now[free] = zigzag(int64(now[free]) - now.unused(free, f.known, f.raw))
		}
	}
	if r.Snapshot.Processes == nil {
		now[hostNoList] = 1
	}
	now[hostKnown], now[hostRaw] = f.known, f.raw
	return now
}

// unused is what is free if all that is not used is.
func (h *hostCodes) unused(free int, known, raw uint64) int64 {
	both := uint64(1)<<(free-1) | 1<<(free-2)
	if known&both != both || raw&both != 0 {
		return 0
	}
	return int64(h[free-2]) - int64(h[free-1])
}

// decode fills r with what now says.
func (h *hostCodes) decode(r *procmon.Record, t *texts) error {
	d := unpacker{known: h[hostKnown], raw: h[hostRaw]}
	r.Host, r.Snapshot.Hostname = d.word(t, h[hostHost]), d.word(t, h[hostHostname])
	if d.knows(hostLabels) {
		r.Labels = d.labels(d.word(t, h[hostLabels]))
	}
	return cmp.Or(d.err, h.decodeSystem(&r.Snapshot.System, t))
}

func (h *hostCodes) decodeSystem(s *procmon.System, t *texts) error {
	d := unpacker{known: h[hostKnown], raw: h[hostRaw]}
	s.OS = d.text(t, hostOS, h[hostOS])
	s.Processor = d.text(t, hostProcessor, h[hostProcessor])
	s.AgentVersion = d.text(t, hostAgent, h[hostAgent])
	s.Cores = d.whole32(hostCores, h[hostCores])
	s.Threads = d.whole32(hostThreads, h[hostThreads])
	s.RAMGB = d.float(hostRAM, h[hostRAM], gibiScale)
	s.UsedRAMGB = d.float(hostRAMUsed, h[hostRAMUsed], gibiScale)
	s.StorageTotalGB = d.float(hostStorage, h[hostStorage], gibiScale)
	s.StorageUsedGB = d.float(hostStorageUsed, h[hostStorageUsed], gibiScale)
	free := func(c int) procmon.Opt[float64] {
		code := h[c]
		if d.raw&(1<<c) == 0 {
			code = uint64(unzigzag(code) + h.unused(c, d.known, d.raw))
		}
		return d.float(c, code, gibiScale)
	}
	s.FreeRAMGB, s.StorageFreeGB = free(hostRAMFree), free(hostStorageFree)
	s.CPU = d.float(hostCPU, h[hostCPU], percentScale)
	if d.knows(hostBoot) {
		s.BootTime = procmon.Some(nanoTime(unzigzag(h[hostBoot])))
	}
	return d.err
}

func joinLabels(labels map[string]string) string {
	list := make([]string, 0, 2*len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, name, labels[name])
	}
	return joinTexts(list)
}
