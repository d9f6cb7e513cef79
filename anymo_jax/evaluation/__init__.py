"""How good a model is, and how sure one may be of it: figures, intervals, tables.

    recognition   windows counted by true class, prediction and runner-up -> figures
    bootstrap     the same counts resampled -> confidence intervals
    pooling       scores of a window's parts -> scores of the window
    corrections   transductive ones, always rows of their own
    zero_shot     a model + LabelledWindows -> rows of a zero-shot table
    averages      rows of several datasets -> their average
    published     Tables 1 and 10 of the paper, as data
    retrieval     text from IMU and back, at 100 samples and at full size
    captions      BLEU, ROUGE-L and METEOR by their libraries
    tables        all that as Markdown

Arrays are NumPy's; models are asked for embeddings and know nothing of figures.
"""
