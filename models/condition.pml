/* The waiters of a condition: native/core/condition.hpp and death_watch.hpp, step by step.
 *
 * Takers wait for things, and each maker makes enough for all of them. To need every notification,
 * one is given only where it is due: by who makes the first thing, and by who takes one and leaves
 * another. A process may die between any two stores. With DEATHS 0 nobody looks around by himself
 * (RECHECK never comes), so a lost notification would be a deadlock; with DEATHS 1 one process
 * dies at any step, and all others have to end.
 *
 * The lock that goes with the condition is one step here; owned_lock.pml has its own.
 */
#define TAKERS 2
#ifndef MADE
#define MADE TAKERS              /* things, by each maker */
#endif
#define N 4                       /* takers are 1 and 2, makers 3 and 4 */
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef LOOKS
#define LOOKS DEATHS              /* whether anybody looks around */
#endif

#define NOBODY 0

mtype = { none, waiting, granted };  /* EntryState */
mtype state[N + 1];               /* of the entries; only takers have one */
byte mutex = NOBODY;
byte lock = NOBODY;
byte lock_deaths = 0;             /* AbandonedWords.count */
byte things = 0;
bool dead[N + 1];                 /* killed */
bool gone[N + 1];                 /* ended: is_dead() says the same of both */
byte ended = 0, deaths = 0;

/* RECHECK comes once at any moment, and after a death once more when nothing else can happen: so
 * often it may be needed, and no more often. */
#define may_look(who) (DEATHS > 0 && !dead[who] && looks[who] < 2)
#define looks_now(who) (looks[who] == 0 || (may_look(who) && timeout))
byte looks[N + 1];

inline lock_mutex() { atomic { mutex == NOBODY || dead[mutex] -> mutex = me } }
inline unlock_mutex() { mutex = NOBODY }

inline acquire() {
  atomic {
    if
    :: lock == NOBODY -> lock = me
    :: lock != NOBODY && dead[lock] -> lock = me; lock_deaths++
    fi
  }
}
inline release() { lock = NOBODY }

/* The first that waits and lives; which one that is, is left open here. The dead are given back. */
inline grant_next() {
  atomic {
    if
    :: state[1] == waiting && dead[1] -> state[1] = none
    :: state[2] == waiting && dead[2] -> state[2] = none
    :: else -> skip
    fi;
    if
    :: state[1] == waiting -> state[1] = granted            /* condition.granted */
    :: state[2] == waiting -> state[2] = granted
    :: else -> skip
    fi
  }
}

inline pass_on() {
  other = 1;
  do
  :: other > TAKERS -> break
  :: else ->
    if
    :: state[other] == granted ->
      if
      :: (dead[other] || gone[other]) && state[other] == granted ->  /* died_in() */
        assert(dead[other]);
        grant_next();
        state[other] = none                                 /* condition.passed_on */
      :: else -> skip
      fi
    :: else -> skip
    fi;
    other++
  od;
  other = 0
}

inline notify() {                                           /* notify(1) */
  lock_mutex();
  pass_on();
  grant_next();
  unlock_mutex()
}

proctype taker(byte me) provided (!dead[me]) {
  byte other, watch;
  acquire();
  do
  :: things > 0 -> break
  :: else ->
    watch = lock_deaths;                                    /* DeathWatch */
    state[me] = waiting;                                    /* roster.lined_up */
    release();
    do                                                      /* Waiting::wait() */
    :: state[me] == granted -> break
#if LOOKS > 0
    :: state[me] == waiting && looks_now(me) ->
      looks[me]++;
      lock_mutex();                                         /* RECHECK: look_again() */
      pass_on();
      if
      :: state[me] == granted -> skip
      :: else ->
        other = lock;                                       /* DeathWatch::owner_has_died() */
        if
        :: lock_deaths != watch -> state[me] = granted
        :: lock_deaths == watch && other != NOBODY && (dead[other] || gone[other]) ->
          if
          :: lock == other -> assert(dead[other]); state[me] = granted
          :: else -> skip
          fi
        :: else -> skip
        fi;
        other = 0
      fi;
      unlock_mutex()
#endif
    od;
    watch = 0;
    acquire();
    state[me] = none                                        /* condition.done */
  od;
  things--;
  if
  :: things > 0 -> notify()
  :: else -> skip
  fi;
  release();
  atomic { ended++; gone[me] = true }
}

proctype maker(byte me) provided (!dead[me]) {
  byte other;
  acquire();
  things = things + MADE;
  if
  :: things == MADE -> notify()
  :: else -> skip
  fi;
  release();
  atomic { ended++; gone[me] = true }
}

#if DEATHS > 0
proctype killer() {
  byte victim;
  select(victim : 1 .. N);
  atomic {
    if
    :: ended < N -> dead[victim] = true; deaths = 1
    :: else -> skip
    fi
  }
}
#endif

init {
  atomic {
    state[1] = none; state[2] = none;
    run taker(1); run taker(2); run maker(3); run maker(4)
#if DEATHS > 0
    ; run killer()
#endif
  }
}

/* When nothing can happen any more, and whoever waits has looked around as often as he may. */
active proctype overseer() {
  timeout &&
  !(state[1] == waiting && may_look(1)) &&
  !(state[2] == waiting && may_look(2));
  assert(ended + deaths >= N)                               /* all get on */
}
