"""The phrase list against two small corpora: corporate sentences must be hit, blunt everyday speech must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.style import Phrase, find_corporate, load_phrases

CORPUS = Path(__file__).parent / "corpus"
PHRASES = load_phrases()
GROUP = {phrase.pattern: phrase.group for phrase in PHRASES}

# (sentence, group, the words that must be part of a hit of that group)
CORPORATE = [
    ("I apologize for the confusion.", "apologising", "I apologize"),
    ("I do apologise for that.", "apologising", "apologise"),
    ("My sincere apologies, that was my mistake.", "apologising", "My sincere apologies"),
    ("Apologies for the delay in my response.", "apologising", "Apologies for the"),
    ("I'm so sorry you lost your work.", "apologising", "I'm so sorry"),
    ("I am truly sorry.", "apologising", "I am truly sorry"),
    ("I'm sorry to hear that you're having a bad day.", "apologising", "I'm sorry to hear"),
    ("I'm sorry, but I can't do that.", "apologising", "I'm sorry, but I"),
    ("Sorry for any inconvenience this may have caused.", "apologising", "inconvenience"),
    ("I completely understand your frustration.", "apologising", "understand your frustration"),
    ("I can imagine how frustrating that is.", "apologising", "imagine how frustrating"),
    ("That must be incredibly frustrating!", "apologising", "must be incredibly frustrating"),
    ("Thank you for your patience.", "apologising", "Thank you for your patience"),
    ("Thanks for reaching out!", "apologising", "Thanks for reaching out"),
    ("We regret to inform you that it is gone.", "apologising", "regret to inform"),
    ("As an AI language model, I cannot feel.", "as an AI", "As an AI"),
    ("Well, as a large language model I see text.", "as an AI", "as a large language model"),
    ("I'm just an AI, so take it with care.", "as an AI", "I'm just an AI"),
    ("I am an AI assistant created to be useful.", "as an AI", "I am an AI assistant"),
    ("I'm SmolLM, an AI assistant trained by Hugging Face.", "as an AI", "trained by Hugging Face"),
    ("I was designed to assist people with their tasks.", "as an AI", "designed to assist"),
    ("My primary function is to answer.", "as an AI", "My primary function is to"),
    ("I don't have personal opinions or beliefs.", "as an AI", "don't have personal opinions"),
    ("I do not have feelings like humans do.", "as an AI", "do not have feelings like"),
    ("I do not have the ability to see images.", "as an AI", "do not have the ability to"),
    ("My knowledge cutoff is 2023.", "as an AI", "My knowledge cutoff"),
    ("I'm your friendly virtual assistant.", "as an AI", "assistant"),
    ("I'm unable to assist with that request.", "as an AI", "I'm unable to assist"),
    ("I'd be happy to help you with that!", "eager to help", "happy to help"),
    ("I would be delighted to explain.", "eager to help", "would be delighted"),
    ("Glad to assist.", "eager to help", "Glad to assist"),
    ("How can I assist you today?", "eager to help", "How can I assist"),
    ("How may I help you?", "eager to help", "How may I help"),
    ("What can I do for you today?", "eager to help", "What can I do for you"),
    ("I'm here to help.", "eager to help", "I'm here to help"),
    ("We are always here for you.", "eager to help", "here for you"),
    ("I'm at your service.", "eager to help", "at your service"),
    ("Please feel free to ask me anything.", "eager to help", "feel free to ask"),
    ("Don't hesitate to write again.", "eager to help", "Don't hesitate to"),
    ("It's my pleasure to serve you.", "eager to help", "my pleasure to"),
    ("You're very welcome!", "eager to help", "You're very welcome"),
    ("That's a great question!", "eager to help", "a great question"),
    ("Great question! Let me see.", "eager to help", "Great question!"),
    ("Certainly! Here it is.", "eager to help", "Certainly!"),
    ("Of course! It is simple.", "eager to help", "Of course!"),
    ("Absolutely, I'd be there.", "eager to help", "I'd be"),
    ("I know a wide range of topics.", "eager to help", "a wide range of topics"),
    ("Could you please provide more details about it?", "eager to help", "provide more details"),
    ("Here are some tips to get you going:", "eager to help", "Here are some tips"),
    ("It's important to remember that people differ.", "moralising", "important to remember"),
    ("It is also worth noting that it may fail.", "moralising", "worth noting"),
    ("Please be mindful of other people's feelings.", "moralising", "be mindful"),
    ("I cannot in good conscience do so.", "moralising", "in good conscience"),
    ("That would be unethical and harmful.", "moralising", "unethical and harmful"),
    ("You should consult a qualified professional.", "moralising", "consult a qualified professional"),
    ("If it persists, seek professional help.", "moralising", "seek professional help"),
    ("It's perfectly okay to feel that way.", "moralising", "okay to feel"),
    ("Everyone makes mistakes, and that's how it goes.", "moralising", "Everyone makes mistakes"),
    ("Remember, you're not alone.", "moralising", "Remember, you're not alone"),
    ("See it as an opportunity to learn.", "moralising", "opportunity to learn"),
    ("Take a few deep breaths and start over.", "moralising", "deep breaths"),
    ("I encourage you to try again.", "moralising", "encourage you"),
    ("I hope this helps!", "boilerplate closers", "hope this helps"),
    ("I hope this email finds you well.", "boilerplate closers", "hope this email finds"),
    ("If you have any further questions, ask.", "boilerplate closers", "any further questions"),
    ("Let me know if you need anything else.", "boilerplate closers", "Let me know if you need any"),
    ("Is there anything else I can do?", "boilerplate closers", "anything else I can"),
    ("Have a wonderful day!", "boilerplate closers", "Have a wonderful day"),
    ("Best regards,\n[Your Name]", "boilerplate closers", "Best regards"),
    ("Looking forward to hearing from you.", "boilerplate closers", "Looking forward to hearing"),
    ("I really appreciate your feedback.", "boilerplate closers", "appreciate your"),
    ("Reply at your earliest convenience.", "boilerplate closers", "at your earliest convenience"),
    ("That sounds like a fantastic idea!", "hedged enthusiasm", "sounds like a fantastic idea"),
    ("What a wonderful idea.", "hedged enthusiasm", "What a wonderful idea"),
    ("That's a really interesting concept!", "hedged enthusiasm", "really interesting concept"),
    ("I think your idea is truly brilliant.", "hedged enthusiasm", "your idea is truly brilliant"),
    ("I'm thrilled to see you.", "hedged enthusiasm", "I'm thrilled to"),
    ("I'm so glad it worked out.", "hedged enthusiasm", "I'm so glad"),
    ("Keep up the great work!", "hedged enthusiasm", "Keep up the great"),
    ("Fantastic job!", "hedged enthusiasm", "Fantastic job!"),
    ("You've got this!", "hedged enthusiasm", "You've got this!"),
    ("Let's dive into the details.", "hedged enthusiasm", "Let's dive"),
    ("It will take your work to the next level.", "office jargon", "to the next level"),
    ("Unlock your full potential today.", "office jargon", "Unlock your full"),
    ("I am writing to inquire about my leave.", "office jargon", "writing to inquire"),
    ("Let's circle back on Monday.", "office jargon", "circle back"),
]

# Whole answers as instruction-tuned models give them to the default tone probes.
CORPORATE_ANSWERS = (CORPUS / "corporate_answers.txt").read_text(encoding="utf-8").splitlines()

BLUNT = (CORPUS / "blunt.txt").read_text(encoding="utf-8").splitlines()


def test_the_corpora_and_the_list_are_large_enough() -> None:
    assert len(PHRASES) >= 80
    assert len(CORPORATE) >= 60
    assert len(BLUNT) >= 80


@pytest.mark.parametrize(("sentence", "group", "words"), CORPORATE, ids=[sentence for sentence, _, _ in CORPORATE])
def test_a_corporate_sentence_is_hit_by_the_right_phrase(sentence: str, group: str, words: str) -> None:
    hits = find_corporate(sentence, PHRASES)
    assert [hit for hit in hits if GROUP[hit.phrase] == group and words.lower() in hit.text.lower()], hits


@pytest.mark.parametrize("answer", CORPORATE_ANSWERS)
def test_a_corporate_answer_is_hit(answer: str) -> None:
    assert find_corporate(answer, PHRASES)


@pytest.mark.parametrize("sentence", BLUNT)
def test_a_blunt_sentence_is_clean(sentence: str) -> None:
    assert find_corporate(sentence, PHRASES) == []


def test_blunt_sentences_in_a_row_stay_clean() -> None:
    assert find_corporate(" ".join(BLUNT), PHRASES) == []


@pytest.mark.parametrize("sentence", [sentence for sentence, _, _ in CORPORATE][::4])
def test_case_quotes_and_line_breaks_hide_nothing(sentence: str) -> None:
    count = len(find_corporate(sentence, PHRASES))
    for disguise in (
        sentence.upper(),
        sentence.lower(),
        sentence.replace("'", "’"),
        sentence.replace("'", ""),
        sentence.replace(" ", "\n"),
        sentence.replace(" ", "\u00a0 "),
        "No. " + sentence,
        f"“{sentence}”",
    ):
        assert len(find_corporate(disguise, PHRASES)) == count, disguise


@pytest.mark.parametrize("phrase", PHRASES, ids=[phrase.pattern for phrase in PHRASES])
def test_no_phrase_matches_nothing_or_a_bare_word_of_filler(phrase: Phrase) -> None:
    for text in ("", " ", "the", "you", "I", "to help", "please"):
        assert not phrase.regex.search(text)
