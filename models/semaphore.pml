/* A semaphore whose places come back: native/core/semaphore.hpp and waiters.hpp, step by step.
 *
 * Each statement is one access to a shared word, and a process may die between any two. With
 * DEATHS 0 nobody looks around by himself (RECHECK never comes), so a lost wake-up would be a
 * deadlock; with DEATHS 1 one process dies at any step, and all others have to end. No more than
 * PLACES of those that live have one at a time.
 */
#ifndef N
#define N 3
#endif
#ifndef PLACES
#define PLACES 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef LOOKS
#define LOOKS DEATHS              /* whether anybody looks around */
#endif
#define TURNS 1

#define NOBODY 0
#define NO_INTENT 0
#define EPOCHS 16                 /* more than anybody enrolls here; in the code 2^63 */

byte mutex = NOBODY;
byte value = PLACES;
byte count[N + 1];                /* of the entries */
byte intent = NO_INTENT, intent_value = 0, intent_count = 0;
byte sequence = 0;
bool flag = false;                /* Waiters: FLAG and EPOCH of one word */
byte epoch = 0;
bool asleep[N + 1];
bool dead[N + 1];                 /* killed */
bool gone[N + 1];                 /* ended: is_dead() says the same of both */
bool inside[N + 1];
byte ended = 0, deaths = 0;

/* RECHECK comes once at any moment, and after a death once more when nothing else can happen: so
 * often it may be needed, and no more often. */
#define may_look(who) (DEATHS > 0 && !dead[who] && looks[who] < 2)
#define looks_now(who) (looks[who] == 0 || (may_look(who) && timeout))
byte looks[N + 1];

inline finish() {
  value = intent_value;
  count[intent] = intent_count;                             /* semaphore.counted */
  intent = NO_INTENT
}

/* Turn: a dead holder's step is made first. */
inline lock_mutex() {
  atomic { mutex == NOBODY || dead[mutex] -> mutex = me };
  if
  :: intent != NO_INTENT -> finish()                        /* repair() */
  :: else -> skip
  fi
}
inline unlock_mutex() { mutex = NOBODY }

inline change(whose, to_count, to_value) {
  atomic { intent_count = to_count; intent_value = to_value };  /* one word */
  intent = whose;                                           /* semaphore.decided */
  finish()
}

/* Under the mutex. */
inline take() {
  if
  :: value == 0 -> taken = false
  :: else -> change(me, count[me] + 1, value - 1); taken = true
  fi
}

inline sweep() {
  other = 1;
  do
  :: other > N -> break
  :: else ->
    if
    :: (dead[other] || gone[other]) && count[other] > 0 ->
      assert(dead[other]);
      change(other, 0, value + count[other])                /* semaphore.swept */
    :: else -> skip
    fi;
    other++
  od;
  other = 0
}

proctype user(byte me) provided (!dead[me]) {
  byte ticket, other, turn, seen_epoch;
  bool taken, woken;
  do
  :: turn == TURNS -> break
  :: else ->
    turn++;
    taken = false;
    do
    :: taken -> break
    :: else ->
      ticket = sequence;                                    /* Waiting::wait() */
      atomic { flag = true; epoch = (epoch + 1) % EPOCHS }; /* enroll() */
      if
      :: value == 0 -> skip                                 /* try_acquire() */
      :: else -> lock_mutex(); take(); unlock_mutex()
      fi;
      if
      :: taken -> skip
      :: else ->
        atomic { asleep[me] = (sequence == ticket); ticket = 0 };  /* futex_wait() */
        if
        :: !asleep[me] -> skip
#if LOOKS > 0
        :: asleep[me] && looks_now(me) ->      /* RECHECK: try_recover() */
          asleep[me] = false;
          looks[me]++;
          lock_mutex(); sweep(); take(); unlock_mutex()
#endif
        fi
      fi
    od;
    atomic {
      inside[me] = true;
      assert((inside[1] && !dead[1]) + (inside[2] && !dead[2]) + (N > 2 && inside[N] && !dead[N]) <= PLACES)
    };
    inside[me] = false;
    lock_mutex();                                           /* release() */
    change(me, count[me] - 1, value + 1);
    unlock_mutex();
    atomic { woken = flag; seen_epoch = epoch };            /* Waiters::wake() */
    if
    :: !woken -> skip
    :: else ->
      sequence++;                                           /* wake.before */
      atomic {                                              /* futex_wake(sequence, 1) */
        if
        :: asleep[1] -> asleep[1] = false
        :: asleep[2] -> asleep[2] = false
#if N > 2
        :: asleep[3] -> asleep[3] = false
#endif
        :: else -> woken = false
        fi
      };
      if
      :: woken -> skip
      :: else ->
        atomic {
          if
          :: flag && epoch == seen_epoch -> flag = false
          :: else -> skip
          fi;
          seen_epoch = 0
        }
      fi
    fi
  od;
  atomic { ended++; gone[me] = true }
}

#if DEATHS > 0
/* SIGKILL: the kernel takes a dead thread off the futex's queue. */
proctype killer() {
  byte victim;
  select(victim : 1 .. N);
  atomic {
    if
    :: ended < N -> dead[victim] = true; asleep[victim] = false; deaths = 1
    :: else -> skip
    fi
  }
}
#endif

init {
  atomic {
    byte who;
    for (who : 1 .. N) { run user(who) }
#if DEATHS > 0
    run killer()
#endif
  }
}

/* When nothing can happen any more, and whoever waits has looked around as often as he may. */
active proctype overseer() {
  timeout &&
  !(asleep[1] && may_look(1)) &&
  !(asleep[2] && may_look(2)) &&
  !(asleep[N] && may_look(N));
  assert(ended + deaths >= N)                               /* all get on */
}
