"""The reproduction of the paper on models of BERT-Medium's shape: its data sets, and the page of results."""
