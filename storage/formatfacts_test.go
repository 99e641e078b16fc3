package storage_test

import (
	"time"

	"github.com/procmon/procmon"
)

func pageList(joined string) (list []string) {
	list = []string{}
	for p := (page{[]byte(joined)}); len(p.b) > 0; {
		list = append(list, string(p.text()))
	}
	return list
}

// record returns what g says beside processes and events.
func (g *pageSegment) record(at time.Time) procmon.Record {
	h := g.host
	known, raw := h[17], h[18]
	r := procmon.Record{Host: g.words[h[0]], Snapshot: &procmon.Snapshot{Timestamp: at, Hostname: g.words[h[2]]}}
	if known>>1&1 != 0 {
		r.Labels = map[string]string{}
		list := pageList(g.words[h[1]])
		for i := 0; i < len(list); i += 2 {
			r.Labels[list[i]] = list[i+1]
		}
	}
	for _, free := range []int{9, 12} {
		if raw>>free&1 != 0 {
			continue
		}
		expected := int64(0)
		if both := uint64(3) << (free - 2); known&both == both && raw&both == 0 {
			expected = int64(h[free-2] - h[free-1])
		}
		h[free] = uint64(coded(h[free]) + expected)
	}
	const gib = 1 << 30
	s := &r.Snapshot.System
	s.OS, s.Processor, s.AgentVersion = pageText(known, 3, g.words, h[3]), pageText(known, 4, g.words, h[4]), pageText(known, 15, g.words, h[15])
	s.Cores, s.Threads = pageNumber[uint32](known, 5, h[5]), pageNumber[uint32](known, 6, h[6])
	s.RAMGB, s.UsedRAMGB, s.FreeRAMGB = pageFloat(known, raw, 7, h[7], gib), pageFloat(known, raw, 8, h[8], gib), pageFloat(known, raw, 9, h[9], gib)
	s.StorageTotalGB, s.StorageUsedGB, s.StorageFreeGB = pageFloat(known, raw, 10, h[10], gib), pageFloat(known, raw, 11, h[11], gib), pageFloat(known, raw, 12, h[12], gib)
	s.CPU = pageFloat(known, raw, 14, h[14], 100)
	if known>>13&1 != 0 {
		s.BootTime = procmon.Some(pageTime(coded(h[13])))
	}
	return r
}

// process returns what a row is now. between is the time since the step before in nanoseconds,
// if the row was in that, else 0.
func (g *pageSegment) process(r *pageRow, between int64) procmon.Process {
	v := r.now
	known, raw := v[12], v[13]
	p := procmon.Process{PID: r.pid, Name: g.words[v[15]]}
	if r.started {
		p.StartTime = procmon.Some(pageTime(r.start))
	}
	p.CPUSeconds, p.KernelSeconds = pageFloat(known, raw, 0, v[0], 1e7), pageFloat(known, raw, 8, v[8], 1e7)
	p.WorkingSetBytes, p.PrivateBytes = pageNumber[uint64](known, 1, v[1]), pageNumber[uint64](known, 2, v[2])
	p.Threads, p.Handles = pageNumber[uint32](known, 3, v[3]), pageNumber[uint32](known, 4, v[4])
	p.ReadBytes, p.WriteBytes = pageNumber[uint64](known, 5, v[5]), pageNumber[uint64](known, 6, v[6])
	p.ReadOperations, p.WriteOperations = pageNumber[uint64](known, 9, v[9]), pageNumber[uint64](known, 10, v[10])
	p.PPID, p.SessionID, p.Bits = pageNumber[uint32](known, 14, v[14]), pageNumber[uint32](known, 19, v[19]), pageNumber[uint32](known, 23, v[23])
	p.Username, p.Integrity = pageText(known, 16, g.words, v[16]), pageText(known, 21, g.words, v[21])
	p.Cmdline, p.Exe = pageText(known, 17, g.lines, v[17]), pageText(known, 18, g.lines, v[18])
	p.Company, p.Description = pageText(known, 24, g.words, v[24]), pageText(known, 25, g.words, v[25])
	if known>>22&1 != 0 {
		p.Elevated = procmon.Some(v[22] == 1)
	}
	if known>>20&1 != 0 {
		p.Services = pageList(g.words[v[20]])
	}
	memory := v[11] - 1
	if v[11] == 0 {
		memory = v[1]
	}
	if raw>>11&1 != 0 {
		memory = v[11]
	}
	p.Memory = pageFloat(known, raw, 11, memory, 1<<20)
	cpu := v[7]
	if raw>>7&1 == 0 {
		expected := int64(0)
		secondsKnown := known&r.last[12]&1 != 0 && (raw|r.last[13])&1 == 0
		if used := v[0] - r.last[0]; between > 0 && secondsKnown && v[0] >= r.last[0] && used <= 1e12 {
			expected = (int64(used)*1e6 + between/2) / between
		}
		cpu = uint64(coded(cpu) + expected)
	}
	p.CPU = pageFloat(known, raw, 7, cpu, 100)
	return p
}
