"""routing/engines"""
