"""What every page and every answer of the API needs: who asks, whether they may, in which form and language."""
