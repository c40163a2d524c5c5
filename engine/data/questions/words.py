"""Lists of English words by which the rules tell phrases that a question can be made of from those that cannot."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


DETERMINERS = _set("the a an each every its their our your my his her")
PRONOUNS = _set(
    "i you he she it we they me him us them this that these those there here who whom whose which what one ones "
    "both all some any many most few several much none neither either nothing something anything everything "
    "nobody somebody everyone everybody anyone someone such same other others another yours mine theirs itself "
    "themselves"
)
AUXILIARIES = _set(
    "is are was were be been being am has have had do does did can could will would shall should may might must "
    "isn't aren't wasn't weren't can't won't don't doesn't didn't cannot"
)
# Words that open a clause or an adverbial, so that what follows them is no subject.
OPENERS = _set(
    "if when while because although though since as after before unless until where whether once for in on at by "
    "with without from to during under over of and but or nor so then thus hence therefore however also instead "
    "otherwise not no only even never always often sometimes usually besides beside beyond between among against "
    "about above below through across per via like unlike despite except given note see how why now today yet "
    "still just maybe perhaps please let rather than too very most least more less first second third next last "
    "finally"
)
CLAUSE_WORDS = _set("that which who whom whose where when while because although though if unless than as")
PREPOSITIONS = _set("of for in on at to with from by into onto over under per about between without within")

# Nouns that mean something only in their paragraph: "What is the result?" has no answer without it.
CONTEXT_NOUNS = _set(
    "sentence sentences paragraph paragraphs heading headings change changes result results reason reasons answer "
    "answers question questions difference problem problems point idea goal rest same latter former example "
    "examples exception exceptions case cases way purpose aim effect consequence trick default value values "
    "output input number list row rows line lines section chapter page text table figure column cost choice "
    "choices thing things part parts step steps other second first third last next following solution conclusion "
    "catch advantage disadvantage benefit drawback alternative option options claim test tests file files name "
    "names verdict work fix cause fact facts matter issue issues word words time times user person people side "
    "reader author method methods property properties function functions object objects argument arguments event "
    "events"
)

GENERIC_HEADINGS = _set(
    "overview introduction intro summary conclusion conclusions notes note details example examples usage misc "
    "miscellaneous other others more general basics background about contents toc index appendix references links "
    "resources credits acknowledgements acknowledgments authors contributors changelog changes added changed "
    "fixed removed deprecated unreleased security todo faq questions answers description synopsis preamble "
    "preface definitions readme prerequisites requirements features status history news here result results "
    "method methods setup start tables figures demo screenshots badges terms conditions parameters arguments "
    "returns options before after tl;dr files commands caveats limitations tips warning warnings steps rules "
    "examples habits part chapter section"
)

# What opens a remark, not a term with its definition.
REMARKS = _set(
    "note notes warning warnings caution important tip tips hint hints example examples usage default defaults "
    "see todo fixme author authors date version copyright license subject from to cc ps nb attention result "
    "results step steps figure fig table question answer q a summary output input returns return raises remember "
    "reminder history deprecated added changed stability sources source url http https type required optional new "
    "fixed removed update part chapter section page e.g i.e again first second third finally then also but and or "
    "so"
)

PERSON_ENDINGS = ("man", "woman", "keeper", "master", "mistress", "holder", "maker", "builder", "driver", "smith")
PERSONS = _set(
    "captain pilot keeper driver owner founder author director teacher doctor nurse cook baker ferryman "
    "harbourmaster secretary president chair manager warden guard clerk purser engineer painter writer inventor "
    "editor mayor king queen priest leader maintainer treasurer steward mate chief head librarian curator "
    "caretaker person man woman"
)
# Participles of what people do: "Who is the bell kept by?"
AGENT_PARTICIPLES = _set(
    "kept made built run owned written led held paid signed painted founded designed repaired rung taught fed "
    "driven steered watched guarded invented discovered sold checked cleaned opened closed locked managed "
    "maintained approved edited translated directed organised organized looked tended drawn"
)
PLACE_PARTICIPLES = _set("kept stored located found moored parked buried placed situated based hidden saved held")
PLACE_PREPOSITIONS = (
    "in",
    "at",
    "on",
    "under",
    "beside",
    "behind",
    "near",
    "inside",
    "outside",
    "above",
    "below",
    "between",
    "opposite",
    "beneath",
    "next to",
    "in front of",
    "on top of",
)
# After "in the", "at the": no places.
NO_PLACES = _set(
    "same way case process end beginning hand range form order state mode middle meantime future past present "
    "fact sense spirit time moment course future first last next heart core centre center risk expense cost fault "
    "loop background foreground long short public minority majority interest name event"
)
TIMES = _set(
    "noon midnight dawn dusk sunrise sunset monday tuesday wednesday thursday friday saturday sunday mondays "
    "tuesdays wednesdays thursdays fridays saturdays sundays january february march april may june july august "
    "september october november december morning afternoon evening night weekday weekdays weekend weekends spring "
    "summer autumn winter one two three four five six seven eight nine ten eleven twelve half quarter"
)
# "Vim supports a number of …" does not say what Vim does.
VAGUE_VERBS = _set("has supports uses needs wants likes includes provides requires means becomes remains offers")
NEGATIONS = _set("not no never")
# Nouns that look like gerunds: "Opening hours" is no instruction.
NOUNS_IN_ING = _set(
    "opening closing working parking mooring landing training meeting sailing building heating lighting fishing "
    "landing wedding evening morning spring string king ring wing thing ceiling painting drawing crossing "
    "clothing cooking rigging bearing dressing sterling steering docking"
)
# Verbs that are hardly ever the first noun of a phrase, as "order" and "test" are.
PURE_VERBS = _set(
    "list fix add remove update make use get give find create delete install configure enable disable mend keep "
    "choose avoid let go do be verify replace improve allow ensure implement introduce support deprecate "
    "stabilize rename drop bump refactor document ignore"
)
ORGANISATIONS = _set("foundation company office council society team club union association university institute court")
NUMBERS = _set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty "
    "sixty hundred thousand half"
)
# Third persons with a time after them: "The office opens at nine." asks "When does the office open?"
TIMED_VERBS = {
    third: third.removesuffix("s")
    for third in (
        "opens",
        "closes",
        "leaves",
        "starts",
        "ends",
        "sails",
        "departs",
        "arrives",
        "begins",
        "returns",
        "expires",
        "meets",
    )
}

# Base verbs of instructions; their gerunds open headings such as "Booking a crossing".
INSTRUCTIONS = _set(
    "add ask book build buy cancel change check choose claim clean close configure connect contact copy create "
    "delete download edit enable disable export feed find fix get give import install join keep leave load lock "
    "make measure mend mount move open order pack paint park pay plan post prepare print pull push put quit read "
    "record release remove rename rent repair replace report request reset restart restore return ring roll run "
    "save schedule search sell send set share ship show sign start stop store submit swap switch take talk test "
    "train translate turn type undo uninstall unlock update upgrade upload use verify visit wash watch wind work "
    "write"
)
_DOUBLED = _set("get put quit run set ship stop swap plan")


def _gerund(verb: str) -> str:
    if verb in _DOUBLED:
        return f"{verb}{verb[-1]}ing"
    return f"{verb.removesuffix('e')}ing" if verb.endswith("e") else f"{verb}ing"


GERUNDS = {_gerund(verb): verb for verb in INSTRUCTIONS}

IMPERATIVES = INSTRUCTIONS | _set(
    "be avoid call click do enter follow go ignore let look never press remember say see select tell try wait"
)

# After "is the" or "is a" these judge or compare; they do not say what something is.
JUDGEMENTS = _set(
    "joy pleasure very fun thing bit lot little few same right wrong good bad best better worse worst matter "
    "problem must shame pity pain mistake start reason point way default case result only first last next most "
    "more least exception question second third big great huge small nice new real other main different common "
    "important useful similar latter former following one two whole price"
)
