"""dispatch/policies"""
