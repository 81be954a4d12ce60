"""Models that give signals: language identification and quality, their training and evaluation."""
