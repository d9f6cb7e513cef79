"""How good a model is, and how sure one may be of it: figures, intervals, tables.

    recognition   windows counted by true class, prediction and runner-up -> figures
    bootstrap     the same counts resampled -> confidence intervals
    pooling       scores of a window's parts -> scores of the window
    corrections   transductive ones, always rows of their own
    zero_shot     a model + LabelledWindows -> rows of a zero-shot table
    averages      rows of several datasets -> their average
    published     Tables 1 and 10 of the paper, as data
    choices       the same windows as a multiple choice that the language model answers
    probes        few labelled windows of other people: linear probes
    motion_views  held-out motion as wearable setups see it
    spoken        what a run finds and says of it, by kind and setup
    retrieval     text from IMU and back, at 100 samples and at full size
    captions      BLEU, ROUGE-L, METEOR and BERTScore by their libraries
    insight       use of the codes; real beside simulated windows
    compare       two runs on the same windows, by a paired bootstrap
    tables        all that as Markdown; spoken_tables, probe_tables, compare_page
    report        pictures, and one self-contained page;  facts: versions and hardware

Arrays are NumPy's; models are asked for embeddings and know nothing of figures.
"""
