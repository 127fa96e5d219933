"""Distillation as in DistilBERT: a student of fewer layers learns from its teacher's scores and states."""
