"""What every page and every API response needs: who asks, whether they may, in which format and language."""
