package procmon

import (
	"cmp"
	"slices"
)

// A TreeRow is one process in its place in the tree of its snapshot.
type TreeRow struct {
	Process     int // index in Snapshot.Processes
	Parent      int // index of the parent's row, which comes earlier; -1 for a root
	Depth       int // 0 for a root
	Children    int
	Descendants int          // the subtree is this row and so many that follow it
	CPU         Opt[float64] // percent of one core over the interval that ended here
	TreeCPU     Opt[float64] // sum over the subtree of what is known
	TreeMemory  Opt[float64] // MiB, likewise
}

// Tree returns every process of s exactly once, each after its parent, siblings by start
// time and pid. cpu holds a value for each process, as from CPUPercent.
//
// A parent is the process that has the pid and did not start after the child: pids are
// reused. Where parents form a cycle, its oldest process becomes a root.
func Tree(s *Snapshot, cpu []Opt[float64]) []TreeRow {
	parents := resolveParents(s)
	children := make([][]int, len(s.Processes))
	var roots []int
	for i, parent := range parents {
		if parent < 0 {
			roots = append(roots, i)
		} else {
			children[parent] = append(children[parent], i)
		}
	}

	rows := make([]TreeRow, 0, len(s.Processes))
	type visit struct{ process, parent, depth int }
	var stack []visit
	push := func(siblings []int, parent, depth int) {
		slices.SortFunc(siblings, s.compareAge)
		for _, i := range slices.Backward(siblings) {
			stack = append(stack, visit{i, parent, depth})
		}
	}
	push(roots, -1, 0)
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		memory := s.Processes[v.process].MemoryMiB()
		rows = append(rows, TreeRow{
			Process: v.process, Parent: v.parent, Depth: v.depth, Children: len(children[v.process]),
			CPU: cpu[v.process], TreeCPU: cpu[v.process], TreeMemory: memory,
		})
		push(children[v.process], len(rows)-1, v.depth+1)
	}
	for i := len(rows) - 1; i >= 0; i-- { // children stand after their parents
		if rows[i].Parent < 0 {
			continue
		}
		parent := &rows[rows[i].Parent]
		parent.Descendants += 1 + rows[i].Descendants
		parent.TreeCPU = sum(parent.TreeCPU, rows[i].TreeCPU)
		parent.TreeMemory = sum(parent.TreeMemory, rows[i].TreeMemory)
	}
	return rows
}

// resolveParents returns for each process the index of its parent or -1, without cycles.
func resolveParents(s *Snapshot) []int {
	byPID := make(map[uint32]int, len(s.Processes))
	for i := range s.Processes {
		byPID[s.Processes[i].PID] = i
	}
	parents := make([]int, len(s.Processes))
	for i := range s.Processes {
		parents[i] = -1
		child := &s.Processes[i]
		j, ok := byPID[child.PPID.Value]
		if !child.PPID.Known || !ok || j == i {
			continue
		}
		if start := s.Processes[j].StartTime; start.Known && child.StartTime.Known && start.Value.After(child.StartTime.Value) {
			continue
		}
		parents[i] = j
	}
	breakCycles(parents, s.compareAge)
	return parents
}

// breakCycles takes the parent from the first process, in the order of compare, of each cycle.
func breakCycles(parents []int, compare func(a, b int) int) {
	walk := make([]int, len(parents)) // number of the walk that came by; 0 is none
	for i := range parents {
		at := i
		for at >= 0 && walk[at] == 0 {
			walk[at] = i + 1
			at = parents[at]
		}
		if at < 0 || walk[at] != i+1 {
			continue
		}
		first := at
		for j := parents[at]; j != at; j = parents[j] {
			if compare(j, first) < 0 {
				first = j
			}
		}
		parents[first] = -1
	}
}

func (s *Snapshot) compareAge(a, b int) int {
	p, q := &s.Processes[a], &s.Processes[b]
	return cmp.Or(p.StartTime.Value.Compare(q.StartTime.Value), cmp.Compare(p.PID, q.PID))
}

func sum(a, b Opt[float64]) Opt[float64] {
	if !a.Known {
		return b
	}
	return Opt[float64]{Value: a.Value + b.Value, Known: true}
}
