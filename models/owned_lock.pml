/* The lock that outlives its owner: native/core/owned_lock.hpp, step by step.
 *
 * A process is a thread there. Each statement between two semicolons is one access to a shared
 * word, and a process may die between any two. With DEATHS 0 nobody looks around by himself
 * (RECHECK never comes), so a lost wake-up would be a deadlock; with DEATHS 1 one process dies
 * at any step, and all others have to end.
 */
#define N 3
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef LOOKS
#define LOOKS DEATHS              /* whether anybody looks around */
#endif
#if DEATHS > 0
#define TURNS 1
#else
#define TURNS 2
#endif

#define NOBODY 0
#define FUTEX_WAITERS 1
#define STAMP(who) ((who) << 1)
#define WHOSE(word) ((word) >> 1)

byte owner = NOBODY;              /* Stamp | FUTEX_WAITERS */
bool asleep[N + 1];               /* in futex_wait on the owner word */
bool dead[N + 1];                 /* killed */
bool gone[N + 1];                 /* ended: is_dead() says the same of both */
bool inside[N + 1];               /* has what the lock guards to itself */
byte ended = 0, deaths = 0;

/* RECHECK comes once at any moment, and after a death once more when nothing else can happen: so
 * often it may be needed, and no more often. */
#define may_look(who) (DEATHS > 0 && !dead[who] && looks[who] < 2)
#define looks_now(who) (looks[who] == 0 || (may_look(who) && timeout))
byte looks[N + 1];

inline compare_exchange(seen, to, done) {
  atomic {
    if
    :: owner == seen -> owner = to; done = true
    :: else -> done = false
    fi
  }
}

/* futex_wake(owner, 1): one of those that sleep, whichever. */
inline futex_wake() {
  atomic {
    if
    :: asleep[1] -> asleep[1] = false
    :: asleep[2] -> asleep[2] = false
    :: asleep[3] -> asleep[3] = false
    :: else -> skip
    fi
  }
}

inline alone() {
  d_step {
    assert(!inside[1] || dead[1] || me == 1);
    assert(!inside[2] || dead[2] || me == 2);
    assert(!inside[3] || dead[3] || me == 3);
  }
}

proctype user(byte me) provided (!dead[me]) {
  byte seen, turn;
  bool taken;
  do
  :: turn == TURNS -> break
  :: else ->
    turn++;
    compare_exchange(NOBODY, STAMP(me), taken);             /* try_acquire() */
    do                                                      /* Waiting::wait() */
    :: taken -> break
    :: else ->
      seen = owner;
      if
      :: WHOSE(seen) == NOBODY ->
        compare_exchange(seen, STAMP(me) | FUTEX_WAITERS, taken)
      :: else ->
        if
        :: (seen & FUTEX_WAITERS) == 0 ->
          compare_exchange(seen, seen | FUTEX_WAITERS, taken);
          if
          :: taken -> taken = false; seen = seen | FUTEX_WAITERS
          :: else -> seen = NOBODY                          /* look again */
          fi
        :: else -> skip
        fi;
        if
        :: seen == NOBODY -> skip
        :: else ->                                          /* lock.flagged */
          atomic { asleep[me] = (owner == seen) };          /* futex_wait() */
          if
          :: !asleep[me] -> skip                            /* woken, or the word had changed */
#if LOOKS > 0
          :: asleep[me] && looks_now(me) ->                 /* RECHECK: try_recover() */
            looks[me]++;
            asleep[me] = false;
            seen = owner;
            if
            :: WHOSE(seen) == NOBODY ->
              compare_exchange(seen, STAMP(me) | FUTEX_WAITERS, taken)
            :: WHOSE(seen) != NOBODY && (dead[WHOSE(seen)] || gone[WHOSE(seen)]) ->
              compare_exchange(seen, STAMP(me) | FUTEX_WAITERS, taken);
              assert(!taken || dead[WHOSE(seen)])           /* lock.recovered */
            :: else -> skip
            fi
#endif
          fi
        fi
      fi
    od;
    inside[me] = true;                                      /* lock.taken */
    alone();
    inside[me] = false;
    atomic { seen = owner; owner = NOBODY };                /* release() */
    assert(WHOSE(seen) == me);
    if                                                      /* lock.released */
    :: (seen & FUTEX_WAITERS) != 0 -> futex_wake()
    :: else -> skip
    fi;
    taken = false
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
  !(asleep[3] && may_look(3));
  assert(ended + deaths >= N)                               /* all get on */
}
