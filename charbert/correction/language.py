"""The language of a text: whether it is another one than that of a vocabulary."""

import re

from charbert.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[^\W\d_]+(?:[ '’-]+[^\W\d_]+)*")  # words without a comma between them
_FREQUENT, _SHORTEST = 100, 3  # words that some of stand in nearly every text, and their letters at least
_FEWEST_WORDS = 10  # of a text that is told by what the vocabulary lacks alone
_FOREIGN = 0.3  # the share that it lacks
# Signs of other languages that tell, or one where the vocabulary lacks so many; for letters alone, most.
_SIGNS, _MANY, _MOST = 2, 0.5, 0.75
_LONGEST_ITEM = 2  # words of an item of a list in small letters, on average
_OWN, _ALPHABET = 500, 2000  # its most frequent words, and those whose letters are its own
# Frequent words of German, French, Spanish, Portuguese, Italian and Dutch that are none of English.
_ELSEWHERE = frozenset(
    "der das und ist nicht ich sie wir ihr mit auf für dem ein eine einen einem einer auch sich wie zum "
    "zur bei oder aber nach noch nur wenn sind haben wird kann mir mich dich heute bitte danke kein keine "
    "sehr hier alle le la les un une et est je ne pas que qui du dans pour sur avec ce cette il elle nous "
    "vous au aux mais très ses sont fait était où comme bien tout merci el los las una es en por para del "
    "se lo su al muy está más pero como mi qué ha esto esta fue son os uma não em um eu você ele ela isso "
    "foi muito obrigado também dos na da gli che di non si sono della nel alla anche mia è molto questo "
    "questa delle dei ci grazie het een de van ik dat niet op te zijn er aan met voor hij zij maar naar "
    "ook bij uit nog geen deze wel ons heeft mijn hoe waar".split()
)


class Language:
    """The language of a vocabulary, whose frequent words come first."""

    def __init__(self, words: Vocabulary) -> None:
        self._vocabulary = words
        frequent = [word for index, word in enumerate(words) if word.isalpha() and words.id(word) == index]
        self._frequent = {word for word in frequent[:_FREQUENT] if len(word) >= _SHORTEST}
        self._elsewhere = _ELSEWHERE.difference(words.entries[:_OWN])
        self._letters = {*"".join(words.entries[:_ALPHABET])}

    def is_foreign(self, text: str) -> bool:
        """Whether a text is in another language than the vocabulary, as far as its words tell.

        It has none of the frequent words and many that the vocabulary lacks; and either frequent words or
        letters of other languages, or ten words at least. Those may as well be names; a list of other words
        is not foreign.
        """
        words = _WORD.findall(text.lower())
        if any(word in self._frequent for word in words):
            return False
        unknown = sum(word not in self._vocabulary for word in words)
        if unknown < _FOREIGN * max(len(words), 1):
            return False
        small = [word for word in _WORD.findall(text) if word.islower()]  # others are often parts of names
        elsewhere = sum(word in self._elsewhere for word in small)
        signs = elsewhere + sum(map(self._has_other_letters, small))
        if elsewhere and signs >= _SIGNS:
            return True
        if signs and unknown >= (_MANY if elsewhere else _MOST) * len(words):
            return True
        is_list = len(words) <= _LONGEST_ITEM * len(_PIECE.findall(text)) and 2 * len(small) > len(words)
        return len(words) >= _FEWEST_WORDS and not is_list

    def _has_other_letters(self, word: str) -> bool:
        """Whether it is unknown and has letters of another language."""
        return not (word in self._vocabulary or word in self._elsewhere or self._letters.issuperset(word))
