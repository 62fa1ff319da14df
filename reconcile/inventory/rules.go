package inventory

import "time"

// Times that the rules of the [Store] speak of.
const (
	// TombstoneAge is how long a stopped task is remembered, so that a late answer
	// or event cannot bring it back; [ClockSkew] is added, so that no event that
	// seems younger than TombstoneAge outlives it.
	TombstoneAge = 15 * time.Minute
	// MissingAge is how long a task must have been known, to this process or to
	// the one that published its targets, before MISSING is believed: answers
	// about a task just started lag behind it.
	MissingAge = time.Minute
	// Refresh is the time within which every known task is described again,
	// for what changes without raising its version (tags, health): as far as
	// listings are as frequent as that, and give or take a twentieth.
	Refresh = 10 * time.Minute
	// RefreshExternal is Refresh for ECS Anywhere, whose machines also change
	// their addresses.
	RefreshExternal = 5 * time.Minute
	// RefreshHealth is Refresh for running tasks where [Facts.Health] is asked for.
	RefreshHealth = time.Minute
	// ClockSkew is by how much AWS's clock, which events tell the time by, and ours
	// may differ.
	ClockSkew = 5 * time.Minute
	// AbsentAge is how long a definition that ECS refuses to describe is not
	// asked for again.
	AbsentAge = 10 * time.Minute
	// AddresslessAge is the same for an instance in use that has no address yet, and
	// for services and network interfaces that AWS does not know.
	AddresslessAge = time.Minute

	sweepEvery  = 5 * time.Minute
	forgetEvery = time.Minute
	unusedAge   = TombstoneAge

	// restoredAge is how long a definition that an earlier process used last is kept
	// although no task known here uses it: its cluster may not answer for a while.
	restoredAge = 24 * time.Hour
)

// DescribeBatch is the most tasks one DescribeTasks call takes (Amazon ECS API,
// DescribeTasks).
const DescribeBatch = 100

// ServiceBatch is the most services one DescribeServices call takes (Amazon ECS
// API, DescribeServices), InterfaceBatch the most values of a filter of
// DescribeNetworkInterfaces (Amazon EC2 API, Filtering), and MachineBatch the
// same of DescribeInstances.
const (
	ServiceBatch   = 10
	InterfaceBatch = 200
	MachineBatch   = 200
)

// rule is one of the rules of the Store. A test takes each of them out and
// requires the history test to fail.
type rule uint32

const (
	lowerIsDropped        rule = 1 << iota // a version below the known one is dropped
	equalRefreshes                         // an equal version from a describe replaces tags and health
	stopIsFinal                            // a stop leaves a tombstone
	learntSurvives                         // an entry learnt after a listing began survives its omission
	omissionIsNothing                      // an omitted task stays until there is evidence
	youngMissingStays                      // MISSING is not believed of a young task
	firstSyncIsComplete                    // a first listing with unexplained tasks does not exist
	heldIsAsked                            // nor does one that omits held tasks without an answer about them
	factsComeFirst                         // a new task does not show before a fact that its scope claims
	equalEventIsNothing                    // an event of the known version changes nothing
	stopEventBuries                        // a stop told by an event leaves a tombstone
	eventKeepsTags                         // an event leaves the tags of a known task as they are
	oldEventIsDoubted                      // an event older than the tombstones creates nothing: its task is described
	formerEventIsDoubted                   // nor does one of before the cluster was known, or known anew
	formerAnswerIsDropped                  // an answer to a question about the former cluster of that name is dropped
	missingOutlivesEvents                  // an event cannot undo MISSING: its task is described
	laterMissingCounts                     // nor can the answer to an earlier question
	versionIsNeeded                        // no event creates a task without a version
	unsyncedMerges                         // events count before the first listing is complete
	resolvedFirst                          // a task does not show before what its targets are made of
	absenceIsAsked                         // what was absent is asked for again soon
	clocksDiffer                           // an event little older than a listing is not skipped
	knownIsHeard                           // nor is one of a known task, however old
	tombsOutliveGone                       // that tasks have stopped outlives the cluster they were of
	restoredIsAsked                        // what an earlier process knew is described before it is believed
)

func (s *Store) keeps(r rule) bool { return s.without&r == 0 }
