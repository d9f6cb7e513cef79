"""Several wordings of each narration (paper, A.4).

rules      offline: a few safe grammatical changes (`clause`, `lexicon`, `meaning`)
rounds     by a language model: generate, verify, repair, three passes at most
client     any OpenAI-compatible chat endpoint
cache      what has been answered, so that no text is asked for twice
store      the file of paraphrases that training reads
"""
