// Package workload makes a deterministic synthetic fleet of Windows-like hosts: 85 % of the
// processes idle, 10 % light, 5 % busy, 2 % replaced every ten minutes.
package workload

import "fmt"

const (
	Base  = 1795305600      // first snapshot, Unix seconds
	Step  = 15              // seconds between snapshots
	Ticks = 6 * 3600 / Step // snapshots in six hours
	Slots = 250             // processes of one host
	Tick  = 156250          // one Windows clock tick, in units of 100 ns
)

// Proc is one process in one snapshot.
type Proc struct {
	PID, PPID       uint32
	Start           int64 // Unix seconds
	Name, Cmd, User string
	CPU             int64 // over the last step, in 0.01 % of one core
	CPUTime         int64 // since its start, in 100 ns, a multiple of Tick
	Mem             int64 // working set, KiB
	Private         int64 // KiB
	Thr, Handles    int64
	Read, Written   int64 // bytes since its start
}

type slot struct {
	p     Proc
	class int // 0 idle 1 light 2 busy
	mean  float64
	base  int64
	owed  int64 // CPU time not yet a whole tick, 100 ns
}

// Host makes the snapshots of one host, one after the other.
type Host struct {
	Name string
	s    [Slots]slot
	out  []Proc
	r    uint64
	tick int
	next uint32
	ftH  uint64

	JitterMillis int // snapshots are late by up to so much
}

func (h *Host) u64() uint64 {
	h.r += 0x9e3779b97f4a7c15
	z := h.r
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
func (h *Host) n(n int) int { return int(h.u64() % uint64(n)) }
func (h *Host) f() float64  { return float64(h.u64()>>11) / (1 << 53) }
func (h *Host) norm() float64 {
	s := -6.0
	for i := 0; i < 12; i++ {
		s += h.f()
	}
	return s
}

var users = []string{`NT AUTHORITY\SYSTEM`, `NT AUTHORITY\LOCAL SERVICE`, `NT AUTHORITY\NETWORK SERVICE`, `CORP\alice.martin`, `Window Manager\DWM-1`, `CORP\svc-backup`}
var svcs = []string{"netsvcs -p -s Schedule", "netsvcs -p -s ProfSvc", "DcomLaunch -p", "RPCSS -p", "LocalServiceNetworkRestricted -p -s lmhosts", "LocalService -p -s nsi", "netsvcs -p -s gpsvc", "LocalSystemNetworkRestricted -p -s NcbService", "NetworkService -p -s Dnscache", "LocalServiceNoNetworkFirewall -p", "netsvcs -p -s Winmgmt", "LocalService -p -s EventSystem", "netsvcs -p -s Themes", "LocalSystemNetworkRestricted -p -s SysMain", "UnistackSvcGroup -s CDPUserSvc", "netsvcs -p -s wuauserv", "LocalServiceNetworkRestricted -p -s EventLog", "NetworkService -p -s LanmanWorkstation", "appmodel -p -s StateRepository", "wsappx -p -s ClipSVC", "netsvcs -p -s BITS", "LocalServiceNetworkRestricted -p -s Dhcp"}
var names = []string{"System", "Registry", "smss.exe", "csrss.exe", "wininit.exe", "services.exe", "lsass.exe", "winlogon.exe", "fontdrvhost.exe", "dwm.exe",
	"spoolsv.exe", "MsMpEng.exe", "NisSrv.exe", "SearchIndexer.exe", "SecurityHealthService.exe", "SgrmBroker.exe", "dasHost.exe", "WmiPrvSE.exe", "sihost.exe", "taskhostw.exe",
	"explorer.exe", "ctfmon.exe", "StartMenuExperienceHost.exe", "SearchHost.exe", "TextInputHost.exe", "ShellExperienceHost.exe", "SystemSettings.exe", "ApplicationFrameHost.exe", "UserOOBEBroker.exe", "SecurityHealthSystray.exe",
	"OneDrive.exe", "Teams.exe", "OUTLOOK.EXE", "EXCEL.EXE", "WINWORD.EXE", "POWERPNT.EXE", "ONENOTE.EXE", "Code.exe", "node.exe", "python.exe",
	"java.exe", "sqlservr.exe", "sqlwriter.exe", "w3wp.exe", "inetinfo.exe", "postgres.exe", "redis-server.exe", "nginx.exe", "git.exe", "powershell.exe",
	"pwsh.exe", "cmd.exe", "conhost.exe", "WindowsTerminal.exe", "OpenConsole.exe", "vmcompute.exe", "vmms.exe", "vmtoolsd.exe", "VGAuthService.exe", "dllhost.exe",
	"msdtc.exe", "audiodg.exe", "Spotify.exe", "slack.exe", "zoom.exe", "notepad++.exe", "Notepad.exe", "CalculatorApp.exe", "PhoneExperienceHost.exe", "GameBarPresenceWriter.exe",
	"igfxEM.exe", "NVDisplay.Container.exe", "RtkAudUService64.exe", "splunkd.exe", "CcmExec.exe", "TrustedInstaller.exe", "svchost.exe", "chrome.exe", "msedge.exe", "RuntimeBroker.exe"}

func (h *Host) chromium(exe, ver string) string {
	ty := []string{"renderer", "renderer", "renderer", "renderer", "renderer", "utility --utility-sub-type=network.mojom.NetworkService", "gpu-process", "utility --utility-sub-type=storage.mojom.StorageService"}[h.n(8)]
	return fmt.Sprintf(`"%s" --type=%s --string-annotations --lang=en-US --device-scale-factor=1.25 --num-raster-threads=4 --enable-main-frame-before-activation --renderer-client-id=%d --time-ticks-at-unix-epoch=-%d --launch-time-ticks=%d --metrics-shmem-handle=%d,i,%d,%d,524288 --field-trial-handle=1928,i,%d,262144 --variations-seed-version=%s --mojo-platform-channel-handle=%d /prefetch:1`,
		exe, ty, h.n(400), 1795200000000000+h.ftH%1000000, 100000000+h.n(2000000000), 3000+h.n(5000), h.u64(), h.u64(), h.ftH, ver, 3000+h.n(5000))
}

func (h *Host) spawn(i int, start int64) {
	s := &h.s[i]
	p := Proc{Start: start}
	h.next += uint32(4 * (1 + h.n(60)))
	p.PID = h.next
	if i > 0 {
		p.PPID = h.s[h.n(min(i, 60))].p.PID
	}
	p.User = users[h.n(3)]
	k := h.n(100)
	switch {
	case i < 76:
		p.Name = names[i]
		if i >= 18 && i < 70 {
			p.User = users[3]
		}
		if i == 0 {
			p.PID = 4
		}
	case k < 40:
		p.Name = "svchost.exe"
	case k < 68:
		p.Name, p.User = "chrome.exe", users[3]
	case k < 80:
		p.Name, p.User = "msedge.exe", users[3]
	case k < 86:
		p.Name, p.User = "RuntimeBroker.exe", users[3]
	default:
		p.Name, p.User = names[30+h.n(46)], users[3+h.n(3)]
	}
	switch p.Name {
	case "System", "Registry":
	case "svchost.exe":
		p.Cmd = `C:\Windows\System32\svchost.exe -k ` + svcs[h.n(len(svcs))]
	case "chrome.exe":
		p.Cmd = h.chromium(`C:\Program Files\Google\Chrome\Application\chrome.exe`, "20261118-180153.491000")
	case "msedge.exe":
		p.Cmd = h.chromium(`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, "20261117-050144.120000")
	case "RuntimeBroker.exe", "dllhost.exe":
		p.Cmd = fmt.Sprintf(`C:\Windows\System32\%s -Embedding`, p.Name)
	case "conhost.exe":
		p.Cmd = fmt.Sprintf(`\??\C:\Windows\system32\conhost.exe 0x%x`, 4+h.n(4))
	case "java.exe":
		p.Cmd = fmt.Sprintf(`"C:\Program Files\Eclipse Adoptium\jdk-21.0.5.11-hotspot\bin\java.exe" -Xms512m -Xmx4096m -XX:+UseG1GC -Dfile.encoding=UTF-8 -Dapp.id=%016x -cp C:\apps\inventory\lib\* com.corp.inventory.Main --server.port=%d`, h.u64(), 8000+h.n(1000))
	case "node.exe", "python.exe", "Code.exe", "Teams.exe", "slack.exe":
		p.Cmd = fmt.Sprintf(`"C:\Users\alice.martin\AppData\Local\Programs\%s\%s" --user-data-dir=C:\Users\alice.martin\AppData\Roaming\%s --ipc-pipe=\\.\pipe\%016x-%d --log-level=info`, p.Name, p.Name, p.Name, h.u64(), h.n(9999))
	default:
		p.Cmd = fmt.Sprintf(`"C:\Program Files\Vendor\%s" /service /instance:%d`, p.Name, h.n(9))
	}
	c := i % 20 // 17 idle, 2 light, 1 busy
	s.class, s.owed = 0, 0
	p.Thr = int64(2 + h.n(14))
	s.base = int64(700+h.n(15000)) * 4
	switch {
	case c == 5 || c == 13:
		s.class, s.mean = 1, 20+h.f()*160
		s.base = int64(5000+h.n(40000)) * 4
		p.Thr = int64(8 + h.n(40))
	case c == 9:
		s.class, s.mean = 2, 400+h.f()*4000
		s.base = int64(20000+h.n(200000)) * 4
		p.Thr = int64(12 + h.n(80))
	}
	p.Mem = s.base
	p.Private = p.Mem * 8 / 10
	p.Handles = 60 + p.Thr*12
	p.CPUTime = int64(1+h.n(40)) * Tick
	p.Read, p.Written = int64(h.n(1<<20)), int64(h.n(1<<18))
	s.p = p
}

// New returns the host of the given number in the fleet that seed names.
func New(seed uint64, i int) *Host {
	h := &Host{Name: fmt.Sprintf("WIN-HOST-%03d", i), r: seed + uint64(i)*7919 + 12345, next: 400}
	h.ftH = h.u64()
	for j := range h.s {
		h.spawn(j, Base-86400+int64(h.n(80000)))
	}
	return h
}

// Next returns the next snapshot and its time in Unix milliseconds; the slice is reused.
func (h *Host) Next() (millis int64, ps []Proc) {
	ts := Base + int64(h.tick)*Step
	millis = ts * 1000
	if h.JitterMillis > 0 {
		millis += int64(h.n(h.JitterMillis + 1))
	}
	if h.tick > 0 && h.tick%40 == 0 {
		for k := 0; k < Slots*2/100; k++ {
			h.spawn(20+h.n(Slots-20), ts-int64(h.n(Step)))
		}
	}
	h.out = h.out[:0]
	for i := range h.s {
		s := &h.s[i]
		p := &s.p
		switch s.class {
		case 0:
			p.CPU = 0
			if h.n(200) == 0 {
				p.Mem = max(400, p.Mem+int64(h.n(33)-16)*4)
			}
			if h.n(1000) == 0 {
				p.Thr = max(1, p.Thr+int64(h.n(3)-1))
			}
			if h.n(300) == 0 {
				p.Handles = max(20, p.Handles+int64(h.n(7)-3))
			}
		case 1:
			p.CPU = min(300, max(0, int64(s.mean+h.norm()*s.mean/2)))
			p.Mem = max(4000, p.Mem+int64(h.n(33)-16)*4+(s.base-p.Mem)/1024*4)
			if h.n(20) == 0 {
				p.Thr = max(2, p.Thr+int64(h.n(3)-1))
			}
			if h.n(4) == 0 {
				p.Private += int64(h.n(17)-8) * 4
				p.Handles = max(20, p.Handles+int64(h.n(5)-2))
				p.Written += int64(h.n(40)) * 512
			}
		case 2:
			p.CPU = max(0, int64(s.mean+h.norm()*s.mean/3))
			p.Mem = max(40000, p.Mem+int64(h.n(513)-256)*4)
			if h.n(4) == 0 {
				p.Thr = max(4, p.Thr+int64(h.n(5)-2))
			}
			p.Private += int64(h.n(257)-128) * 4
			p.Handles = max(20, p.Handles+int64(h.n(21)-10))
			p.Read += int64(h.n(1 << 20))
			p.Written += int64(h.n(1 << 19))
		}
		p.Private = max(400, p.Private)
		s.owed += p.CPU * Step * 1000 // 0.01 % of 100 ns over Step seconds
		p.CPUTime += s.owed / Tick * Tick
		s.owed %= Tick
		h.out = append(h.out, *p)
	}
	h.tick++
	return millis, h.out
}
