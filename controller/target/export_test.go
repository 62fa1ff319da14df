package target

// The steps of a directory, for tests outside of the package.
const (
	StepMkdir   = stepMkdir
	StepWrite   = stepWrite
	StepFsync   = stepFsync
	StepRename  = stepRename
	StepSwap    = stepSwap
	StepRemove  = stepRemove
	StepSyncDir = stepSyncDir
)

// OpenHooked is [Open] with a hook that is told of every step, before and after
// it, and whose error is the step's. It may be called from several goroutines.
func OpenHooked(dir string, opts Options, h func(step, path string, after bool) error) (*Directory, error) {
	return openWith(dir, opts, h)
}

// WithRemedy is what an error of the filesystem is told with.
func WithRemedy(err error) error { return withRemedy(err) }
