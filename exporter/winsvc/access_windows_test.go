package winsvc_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/procmon/procmon/exporter/winsvc"
)

// TestProtect takes a directory over that somebody else has made and filled.
func TestProtect(t *testing.T) {
	parent, err := os.MkdirTemp("", "winsvc") // Wine cannot remove what t.TempDir makes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := winsvc.RemoveAll(parent); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(parent); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", parent, err)
		}
	})
	directory := filepath.Join(parent, "data")
	token := filepath.Join(directory, "sub", "token")
	if err := os.MkdirAll(filepath.Dir(token), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(token, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	setAccess(t, token, "D:PAI(A;;FA;;;WD)")
	if open, err := winsvc.ReadableByEverybody(token); err != nil || !open {
		t.Fatalf("before: %v, %v", open, err)
	}
	keeps := keepsAccess(t, parent)
	for range 2 {
		if err := winsvc.Protect(directory); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{directory, filepath.Dir(token), token} {
			if open, err := winsvc.ReadableByEverybody(path); err != nil || open && keeps {
				t.Errorf("%s: readable by everybody is %v, %v", path, open, err)
			}
		}
	}
	if text, err := os.ReadFile(token); err != nil || string(text) != "s3cret" {
		t.Errorf("the token is %q, %v", text, err)
	}
}

func setAccess(t *testing.T, path, sddl string) {
	t.Helper()
	d, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	dacl, _, err := d.DACL()
	if err != nil {
		t.Fatal(err)
	}
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil); err != nil {
		t.Fatal(err)
	}
}

// keepsAccess reports whether what is set is what is told afterwards. Wine's file system knows
// only Unix' modes, and tells what follows from them.
func keepsAccess(t *testing.T, dir string) bool {
	t.Helper()
	probe := filepath.Join(dir, "probe")
	if err := os.Mkdir(probe, 0o700); err != nil {
		t.Fatal(err)
	}
	setAccess(t, probe, "D:PAI(A;;FA;;;BA)")
	d, err := windows.GetNamedSecurityInfo(probe, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	if d.String() != "D:PAI(A;;FA;;;BA)" {
		t.Logf("this system does not keep who may do what: it says %s", d)
		return false
	}
	return true
}

// TestImagePathIsSplit lets Windows split what it will be given.
func TestImagePathIsSplit(t *testing.T) {
	args := []string{"service", "run", `--a=C:\dir with space\`, `"quoted"`, "", `a\\"b c\\`, "größer 𝄞"}
	got, err := windows.DecomposeCommandLine(winsvc.ImagePath(`C:\Program Files\a.exe`, args))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(args)+1 {
		t.Fatalf("got %q", got)
	}
	for i, want := range args {
		if got[i+1] != want {
			t.Errorf("argument %d is %q, want %q", i, got[i+1], want)
		}
	}
}
